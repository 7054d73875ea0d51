import { clamp } from '../../semantics/rounding.ts';
import { changingPart, fitLine, type RequantizeForm } from '../form.ts';

const LIMIT = 2 ** 32;

/** One 32-bit multiply. Parameters: origin, span, m, r, s. */
export const multiplyShift: RequantizeForm = {
  name: 'multiply_shift',
  formula: '(u*m + r) >> s in 32 bits',
  words: 5,
  table: false,
  fit(channel, slope) {
    const { origin, span } = changingPart(channel);
    const line = fitLine(channel, slope, descending(31, 0), (m, r, _s, u) => u * m + r < LIMIT);
    return line && [origin, span, line.m, line.r, line.s];
  },
  evaluate([origin, span, m, r, s], _channel, accumulator) {
    const u = clamp(accumulator, origin!, origin! + span!) - origin!;
    return Math.floor(((u * m! + r!) % LIMIT) / 2 ** s!);
  },
};

export function* descending(from: number, to: number): Iterable<number> {
  for (let s = from; s >= to; s--) yield s;
}
