import type { Choice } from '../problem.ts';

/** Where an output's window lies: rows and columns too far, and another stride. */
export interface AlignmentChoice extends Choice {
  readonly shift: readonly [y: number, x: number];
  readonly strideChange: number;
}

const kind = 'alignment';

const name = (by: number, positive: string, negative: string): string => (by > 0 ? positive : by < 0 ? negative : '');

export function alignmentChoices(
  kernel: readonly [number, number],
  strides: readonly [number, number],
): AlignmentChoice[] {
  const correct: AlignmentChoice = {
    id: 'aligned',
    kind,
    detail: 'windows where padding and stride put them',
    shift: [0, 0],
    strideChange: 0,
  };
  if (Math.max(...kernel, ...strides) === 1) return [correct];
  const steps = [1, -1, 0];
  const shifts = steps
    .flatMap((y) => steps.map((x) => [y, x] as const))
    .filter(([y, x]) => y !== 0 || x !== 0)
    // both ways at once is the usual slip: the padding on the wrong side
    .sort((a, b) => Number(a[0] !== a[1]) - Number(b[0] !== b[1]));
  return [
    correct,
    ...shifts.map(([y, x]) => ({
      ...correct,
      id: `shift ${y},${x}`,
      detail: `windows lie one pixel too far ${[name(y, 'down', 'up'), name(x, 'right', 'left')].filter(Boolean).join(' and ')}`,
      shift: [y, x] as const,
    })),
    ...[1, -1]
      .filter((change) => Math.min(...strides) + change >= 1)
      .map((change) => ({
        ...correct,
        id: `stride ${change}`,
        detail: `the stride is ${strides[1] + change} instead of ${strides[1]}`,
        strideChange: change,
      })),
  ];
}
