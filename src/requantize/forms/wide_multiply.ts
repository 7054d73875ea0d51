import { clamp } from '../../engines/rounding.ts';
import { changingPart, fitLine, type RequantizeForm } from '../form.ts';

const LIMIT = 2 ** 32;

/**
 * A 32 by 32 bit multiply with a 64-bit product, of which the high word is used.
 * Parameters: origin, span, m, high and low word of r, s - 32. Fitted with u*m + r < 2^53.
 */
export const wideMultiply: RequantizeForm = {
  name: 'wide_multiply',
  formula: '(u*m + r) >> s with a 64-bit product',
  buffers: ['parameters'],
  words: 6,
  table: false,
  fit(channel, slope) {
    const { origin, span } = changingPart(channel);
    if (span === 0) return [origin, 0, 0, channel.start, 0, 0];
    const line = fitLine(channel, slope, [43, 32], (m) => m < LIMIT);
    return line && [origin, span, line.m, Math.floor(line.r / LIMIT), line.r % LIMIT, line.s - 32];
  },
  evaluate(p, _channel, accumulator) {
    const u = clamp(accumulator, p[0]!, p[0]! + p[1]!) - p[0]!;
    const sum = u * p[2]! + (p[3]! * LIMIT + p[4]!);
    return Math.floor(sum / LIMIT) >>> p[5]!;
  },
};
