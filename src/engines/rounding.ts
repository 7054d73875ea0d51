/** One IEEE float32 rounding. Of a sum, difference, product or quotient of two float32 values it is exact. */
export const f32 = Math.fround;

/** Values from here on, and those below its negative, are no int32: engines convert them to the smallest one. */
export const INT32_END = 2 ** 31;

/** From here on, doubles are integers: what is added to one of these is rounded to an integer, ties to even. */
const INTEGERS = 2 ** 52;

/** To an integer, ties to even; infinities and NaN stay. */
export function roundHalfEven(x: number): number {
  if (!(Math.abs(x) < INTEGERS)) return x;
  return x < 0 ? x - INTEGERS + INTEGERS : x + INTEGERS - INTEGERS;
}

/** To an integer, half away from zero, as C's round. */
export function roundHalfAway(x: number): number {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}

export function clamp(x: number, min: number, max: number): number {
  return x < min ? min : x > max ? max : x;
}
