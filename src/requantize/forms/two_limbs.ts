import { clamp } from '../../engines/rounding.ts';
import { changingPart, fitLine, type RequantizeForm } from '../form.ts';

const LIMIT = 2 ** 32;
const LIMB = 2 ** 12;

/**
 * u in limbs of 12 bits: (uh*m + r1 + ((ul*m + r0) >> 12)) >> (s - 12), two 32-bit multiplies.
 * Parameters: origin, span, m, r1, r0, s - 12.
 */
export const twoLimbs: RequantizeForm = {
  name: 'two_limbs',
  formula: '(u*m + r) >> s in two limbs of 12 bits',
  buffers: ['parameters'],
  words: 6,
  table: false,
  fit(channel, slope) {
    const { origin, span } = changingPart(channel);
    if (span === 0) return [origin, 0, 0, channel.start, 0, 0];
    // the low sum is largest at ul = 4095, the high one at u = span
    const admits = (m: number, r: number, u: number): boolean => LIMB * (m + 1) < LIMIT && (u * m + r) / LIMB < LIMIT;
    const line = fitLine(channel, slope, [43, 12], admits);
    return line && [origin, span, line.m, Math.floor(line.r / LIMB), line.r % LIMB, line.s - 12];
  },
  evaluate(p, _channel, accumulator) {
    const u = clamp(accumulator, p[0]!, p[0]! + p[1]!) - p[0]!;
    const low = ((u % LIMB) * p[2]! + p[4]!) >>> 0;
    return ((Math.floor(u / LIMB) * p[2]! + p[3]! + (low >>> 12)) >>> 0) >>> p[5]!;
  },
};
