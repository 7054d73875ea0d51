import { clamp } from '../../engines/rounding.ts';
import { changingPart, fitLine, type RequantizeForm } from '../form.ts';

const LIMIT = 2 ** 32;

/** One 32-bit multiply. Parameters: origin, span, m, r, s. */
export const multiplyShift: RequantizeForm = {
  name: 'multiply_shift',
  formula: '(u*m + r) >> s in 32 bits',
  buffers: ['parameters'],
  words: 5,
  table: false,
  fit(channel, slope) {
    const { origin, span } = changingPart(channel);
    if (span === 0) return [origin, 0, 0, channel.start, 0];
    const line = fitLine(channel, slope, [31, 0], (m, r, u) => u * m + r < LIMIT);
    return line && [origin, span, line.m, line.r, line.s];
  },
  evaluate(p, _channel, accumulator) {
    const u = clamp(accumulator, p[0]!, p[0]! + p[1]!) - p[0]!;
    return ((Math.imul(u, p[2]!) + p[3]!) >>> 0) >>> p[4]!;
  },
};
