import { clamp } from '../../engines/rounding.ts';
import { changingPart, type RequantizeForm } from '../form.ts';

const LIMIT = 2 ** 32;

/**
 * A line that is right or one too low, corrected by one comparison with the next boundary:
 * g = ((u >> k)*m + r) >> s; code = g + (acc >= first[g + 1]).
 *
 * A boundary table needs no slope that fits all of it, so this is the general form: it holds for any
 * requantization that is nearly a line. r adds half a code, so the guess has half a code of slack on
 * either side. Parameters: origin, span, m, r, k, s.
 */
export const correctedGuess: RequantizeForm = {
  name: 'corrected_guess',
  formula: 'g = ((u >> k)*m + r) >> s; g + (acc >= boundary[g + 1])',
  buffers: ['parameters', 'boundaries'],
  words: 6,
  table: true,
  fit(channel, slope) {
    const { origin, span } = changingPart(channel);
    if (span === 0) return [origin, 0, 0, channel.start, 0, 0];
    // u in at most 16 bits, and as many bits for m as the product leaves
    const k = Math.max(0, Math.ceil(Math.log2(span + 1)) - 16);
    for (let s = 31; s >= 0; s--) {
      const m = Math.round(slope * 2 ** (k + s));
      const r = Math.round((channel.start + 0.5) * 2 ** s);
      if (m < 2 ** 16 && Math.floor(span / 2 ** k) * m + r < LIMIT) return [origin, span, m, r, k, s];
    }
    return undefined;
  },
  evaluate(p, { first }, accumulator) {
    const u = clamp(accumulator, p[0]!, p[0]! + p[1]!) - p[0]!;
    const line = (Math.floor(u / 2 ** p[4]!) * p[2]! + p[3]!) >>> 0;
    const guess = Math.min(line >>> p[5]!, 254);
    return guess + Number(accumulator >= first[guess + 1]!);
  },
};
