import { waysOf, type Choice } from '../problem.ts';

/** What lies around the image: a raw value, or the image's own edge again. */
export interface PaddingChoice extends Choice {
  readonly value: number | 'zero-point' | 'edge';
}

const way = waysOf('padding-value');

/**
 * @param zeroPoint of the input
 * @param stale zero points that an implementation may still have at hand: the output's, the network input's
 */
export function paddingChoices(zeroPoint: number, stale: readonly number[], hasPadding: boolean): PaddingChoice[] {
  const correct = way('zero-point', `padding holds the zero point ${zeroPoint}`, { value: 'zero-point' } as const);
  if (!hasPadding) return [correct];
  const values = [
    way('0', 'padding holds 0', { value: 0 }),
    ...stale.map((value) => way(`stale-${value}`, `padding holds another tensor's zero point ${value}`, { value })),
    ...[128, 255, zeroPoint - 1, zeroPoint + 1, -128, 127].map((value) =>
      way(`${value}`, `padding holds ${value}`, { value }),
    ),
  ];
  const taken = new Set<number>([zeroPoint]);
  return [
    correct,
    ...values.filter(({ value }) => !taken.has(value) && taken.add(value)),
    way('edge', 'padding repeats the edge of the image', { value: 'edge' } as const),
  ];
}
