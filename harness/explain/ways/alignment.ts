import { waysOf, type Choice } from '../problem.ts';

/** Where an output's window lies: rows and columns too far, and another stride. */
export interface AlignmentChoice extends Choice {
  readonly shift: readonly [y: number, x: number];
  readonly strideChange: number;
}

const way = waysOf('alignment');

/** [down, right]; both ways at once is the usual slip: the padding on the wrong side. */
const SHIFTS = [
  [1, 1, 'down and right'],
  [-1, -1, 'up and left'],
  [1, -1, 'down and left'],
  [1, 0, 'down'],
  [-1, 1, 'up and right'],
  [-1, 0, 'up'],
  [0, 1, 'right'],
  [0, -1, 'left'],
] as const;

export function alignmentChoices(
  kernel: readonly [number, number],
  strides: readonly [number, number],
): AlignmentChoice[] {
  const aligned = { shift: [0, 0], strideChange: 0 } as const;
  const correct = way('aligned', 'windows where padding and stride put them', aligned);
  if (Math.max(...kernel, ...strides) === 1) return [correct];
  return [
    correct,
    ...SHIFTS.map(([y, x, where]) =>
      way(`shift ${y},${x}`, `windows lie one pixel too far ${where}`, { ...aligned, shift: [y, x] as const }),
    ),
    ...[1, -1]
      .filter((change) => Math.min(...strides) + change >= 1)
      .map((strideChange) =>
        way(`stride ${strideChange}`, `the stride is ${strides[1] + strideChange} instead of ${strides[1]}`, {
          ...aligned,
          strideChange,
        }),
      ),
  ];
}
