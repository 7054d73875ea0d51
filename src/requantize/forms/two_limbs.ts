import { clamp } from '../../semantics/rounding.ts';
import { changingPart, fitLine, type RequantizeForm } from '../form.ts';
import { descending } from './multiply_shift.ts';

const LIMIT = 2 ** 32;
const LIMB = 2 ** 12;

/** Both limbs' sums, without overflow: ul*m + r0 and uh*m + r1 + carry. */
function sums(u: number, m: number, r: number): readonly [number, number] {
  const low = (u % LIMB) * m + (r % LIMB);
  return [low, Math.floor(u / LIMB) * m + Math.floor(r / LIMB) + Math.floor(low / LIMB)];
}

/**
 * u in limbs of 12 bits: ((uh*m + r1) + ((ul*m + r0) >> 12)) >> (s - 12), two 32-bit multiplies.
 * Parameters: origin, span, m, r1, r0, s - 12.
 */
export const twoLimbs: RequantizeForm = {
  name: 'two_limbs',
  formula: '(u*m + r) >> s in two limbs of 12 bits',
  words: 6,
  table: false,
  fit(channel, slope) {
    const { origin, span } = changingPart(channel);
    // the low sum is largest at ul = 4095, the high one at u = span
    const line = fitLine(
      channel,
      slope,
      descending(43, 12),
      (m, r, _s, u) => (LIMB - 1) * m + LIMB < LIMIT && sums(u, m, r)[1] < LIMIT,
    );
    if (!line) return undefined;
    if (span === 0) return [origin, 0, 0, channel.start, 0, 0];
    return [origin, span, line.m, Math.floor(line.r / LIMB), line.r % LIMB, line.s - 12];
  },
  evaluate([origin, span, m, r1, r0, s], _channel, accumulator) {
    const u = clamp(accumulator, origin!, origin! + span!) - origin!;
    const [, high] = sums(u, m!, r1! * LIMB + r0!);
    return Math.floor((high % LIMIT) / 2 ** s!);
  },
};
