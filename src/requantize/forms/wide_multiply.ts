import { clamp } from '../../semantics/rounding.ts';
import { changingPart, fitLine, type RequantizeForm } from '../form.ts';
import { descending } from './multiply_shift.ts';

const LIMIT = 2 ** 32;

/**
 * A 32 by 32 bit multiply with a 64-bit product, of which the high word is used.
 * Parameters: origin, span, m, high and low word of r, s - 32. Fitted with u*m + r < 2^52.
 */
export const wideMultiply: RequantizeForm = {
  name: 'wide_multiply',
  formula: '(u*m + r) >> s with a 64-bit product',
  words: 6,
  table: false,
  fit(channel, slope) {
    const { origin, span } = changingPart(channel);
    if (span === 0) return [origin, 0, 0, channel.start, 0, 0];
    const line = fitLine(channel, slope, descending(43, 32), (m) => m < LIMIT);
    return line && [origin, span, line.m, Math.floor(line.r / LIMIT), line.r % LIMIT, line.s - 32];
  },
  evaluate([origin, span, m, rHigh, rLow, s], _channel, accumulator) {
    const u = clamp(accumulator, origin!, origin! + span!) - origin!;
    const sum = u * m! + (rHigh! * LIMIT + rLow!);
    return Math.floor(Math.floor(sum / LIMIT) / 2 ** s!);
  },
};
