import type { Choice } from '../problem.ts';

/** What lies around the image: a raw value, or the image's own edge again. */
export interface PaddingChoice extends Choice {
  readonly value: number | 'zero-point' | 'edge';
}

/**
 * @param zeroPoint of the input
 * @param stale zero points that an implementation may still have at hand: the output's, the network input's
 */
export function paddingChoices(zeroPoint: number, stale: readonly number[], hasPadding: boolean): PaddingChoice[] {
  const kind = 'padding-value';
  const correct: PaddingChoice = {
    id: 'zero-point',
    kind,
    detail: `padding holds the zero point ${zeroPoint}`,
    value: 'zero-point',
  };
  if (!hasPadding) return [correct];
  const values: PaddingChoice[] = [{ id: '0', kind, detail: 'padding holds 0', value: 0 }];
  for (const zero of stale)
    values.push({
      id: `stale-${zero}`,
      kind,
      detail: `padding holds another tensor's zero point ${zero}`,
      value: zero,
    });
  for (const value of [128, 255, zeroPoint - 1, zeroPoint + 1, -128, 127])
    values.push({ id: `${value}`, kind, detail: `padding holds ${value}`, value });
  const taken = new Set<unknown>([zeroPoint]);
  return [
    correct,
    ...values.filter(({ value }) => !taken.has(value) && taken.add(value)),
    { id: 'edge', kind, detail: 'padding repeats the edge of the image', value: 'edge' },
  ];
}
