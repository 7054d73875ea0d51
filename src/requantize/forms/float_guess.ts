import { clamp, f32 } from '../../engines/rounding.ts';
import { floatOfKey } from '../float_keys.ts';
import type { RequantizeForm } from '../form.ts';

/** More than the relative error of a product and a sum in f32, however either is rounded, fused or not. */
const ROUNDING = 2 ** -22;
const MOST_GUESS = 254;
/** Below, a device may take a number for zero (WGSL, "Differences from IEEE-754"). */
const LEAST_NORMAL = 2 ** -126;
const isSubnormal = (x: number): boolean => x !== 0 && Math.abs(x) < LEAST_NORMAL;

/**
 * For accumulators that are keys of float32 values (a quantize, an average): the value's code by one f32 multiply, half a
 * code low, and one comparison with the next boundary.
 *
 * Parameters: m, c.
 */
export const floatGuess: RequantizeForm = {
  name: 'float_guess',
  formula: 'g = floor(x*m + c) in f32, x the float32 of the key; g + (key >= boundary[g + 1])',
  buffers: ['parameters', 'boundaries'],
  words: 2,
  table: true,
  fit({ at, codes, start }) {
    if (at.length < 2) return [0, at.length === 0 ? start - 0.5 : codes[0]! - 1];
    const [first, last] = [floatOfKey(at[0]!), floatOfKey(at.at(-1)!)];
    const m = f32((codes.at(-1)! - codes[0]!) / (last - first));
    return [m, f32(codes[0]! - first * m - 0.5)];
  },
  evaluate([m, c], { first }, key) {
    const x = floatOfKey(key);
    const product = x * m!;
    const error = (2 * Math.abs(product) + Math.abs(c!)) * ROUNDING;
    const codeOf = (value: number): number => {
      const guess = clamp(Math.floor(value), 0, MOST_GUESS);
      return guess + Number(key >= first[guess + 1]!);
    };
    // the code must not depend on how the guess is rounded; an infinite product has no error
    const slack = error < Infinity ? error : 0;
    const low = codeOf(product + c! - slack);
    const isSure = low === codeOf(product + c! + slack) && (![x, m!, product].some(isSubnormal) || low === codeOf(c!));
    return isSure ? low : NaN;
  },
  pack(channels) {
    const packed = new Float32Array(Math.ceil(channels.length / 4) * 8);
    for (const [channel, [m, c]] of channels.entries()) {
      packed[(channel >> 2) * 8 + (channel & 3)] = m!;
      packed[(channel >> 2) * 8 + 4 + (channel & 3)] = c!;
    }
    return [new Int32Array(packed.buffer)];
  },
};
