import { f32 } from './rounding.ts';

const double = new Float64Array(1);
const doubleBits = new BigInt64Array(double.buffer);

/**
 * `a * b + c` for float32 values, rounded once to float32: the fused multiply-add that compilers emit.
 *
 * The product of two float32 is exact in a double (48 bits); the sum is not, so its rounding error is
 * recovered and folded into its last bit (round to odd), which keeps the second rounding from seeing a tie
 * that is none.
 */
export function fma(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const addend = sum - product;
  const error = product - (sum - addend) + (c - addend);
  if (error === 0 || !Number.isFinite(sum)) return Math.fround(sum);
  double[0] = sum;
  if ((doubleBits[0]! & 1n) === 0n) doubleBits[0]! += error > 0 === sum > 0 ? 1n : -1n;
  return Math.fround(double[0]);
}

/** `a * b + c` as most compilers leave it: the product is rounded, then the sum. */
export const twoRoundings = (a: number, b: number, c: number): number => f32(f32(a * b) + c);
