import { UnsupportedModelError } from '../errors.ts';
import type { FixedPoint, Rounding } from './engine.ts';
import { roundHalfAway } from './rounding.ts';

/** A real number as TensorFlow Lite has it: multiplier * 2^(exponent - 31), the multiplier from 2^30 to below 2^31, or 0. */
export interface Multiplier {
  readonly multiplier: number;
  readonly exponent: number;
}

/** e, where 2^e <= x < 2^(e+1). @throws UnsupportedModelError for what no scales of use make */
export function exponentOf(x: number): number {
  if (!(x > 0 && x < Infinity))
    throw new UnsupportedModelError(`scales whose ratio is ${x}; supported: finite ones above 0`);
  let exponent = Math.floor(Math.log2(x));
  // the logarithm may be rounded
  while (x >= 2 ** (exponent + 1)) exponent++;
  while (x < 2 ** exponent) exponent--;
  return exponent;
}

/** QuantizeMultiplier: of a number of 0 or more, 31 bits of it, rounded half away from zero; 0 below 2^-32. */
export function quantizeMultiplier(real: number): Multiplier {
  if (real === 0) return { multiplier: 0, exponent: 0 };
  let exponent = exponentOf(real) + 1;
  let multiplier = roundHalfAway((real / 2 ** exponent) * 2 ** 31);
  if (multiplier === 2 ** 31) [multiplier, exponent] = [2 ** 30, exponent + 1];
  return exponent < -31 ? { multiplier: 0, exponent: 0 } : { multiplier, exponent };
}

/** The integer x * y as [high, low], high * 2^31 + low, low from 0 to below 2^31, for |x| and |y| up to 2^31. */
function product(x: number, y: number): readonly [high: number, low: number] {
  const upper = Math.floor(y / 2 ** 16);
  const lower = y - upper * 2 ** 16;
  // x * upper * 2^16 is a multiple of 2^31, and a rest below it
  const high = Math.floor((x * upper) / 2 ** 15);
  const rest = (x * upper - high * 2 ** 15) * 2 ** 16 + x * lower;
  const carry = Math.floor(rest / 2 ** 31);
  return [high + carry, rest - carry * 2 ** 31];
}

/** SaturatingRoundingDoublingHighMul: floor((x * y + 2^30) / 2^31). */
export function highMultiply(x: number, y: number): number {
  const [high, low] = product(x, y);
  return low >= 2 ** 30 ? high + 1 : high;
}

/** x / 2^shift, half away from zero: RoundingDivideByPOT. */
export const shiftAway = (x: number, shift: number): number => roundHalfAway(x / 2 ** shift);
/** x / 2^shift, half up. */
export const shiftUp = (x: number, shift: number): number => Math.floor(x / 2 ** shift + 0.5);

/** An int32 times a multiplier, to an integer. */
export type Rescale = (x: number, by: Multiplier) => number;

const twice =
  (shift: (x: number, shift: number) => number): Rescale =>
  (x, { multiplier, exponent }) => {
    const high = highMultiply(x * 2 ** Math.max(exponent, 0), multiplier);
    return exponent < 0 ? shift(high, -exponent) : high;
  };

/** MultiplyByQuantizedMultiplier with two roundings, the last half away from zero. */
export const double: Rescale = twice(shiftAway);
/** The same by vector instructions: the last rounding is half up. */
export const doubleUp: Rescale = twice(shiftUp);
/** With one rounding, half up. */
export const single: Rescale = (x, { multiplier, exponent }) => {
  const [high, low] = product(x, multiplier);
  if (exponent > 0) return high * 2 ** exponent + Math.floor((low + 2 ** (30 - exponent)) / 2 ** (31 - exponent));
  return exponent === 0 ? (low >= 2 ** 30 ? high + 1 : high) : shiftUp(high, -exponent);
};

const RESCALES: Readonly<Record<Rounding, Rescale>> = { double, 'double-up': doubleUp, single };

/** A multiplier with the way in which it is rounded; undefined for a way that has no name. */
export function fixedPointOf(rescale: Rescale, { multiplier, exponent }: Multiplier): FixedPoint | undefined {
  const [rounding] = Object.entries(RESCALES).find(([, one]) => one === rescale) ?? [];
  return rounding === undefined ? undefined : { multiplier, shift: exponent, rounding: rounding as Rounding };
}
