/** One IEEE float32 rounding. Of a sum, difference, product or quotient of two float32 values it is exact. */
export const f32 = Math.fround;

/** To an integer, ties to even; infinities stay. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const fraction = x - floor;
  if (fraction < 0.5) return floor;
  if (fraction > 0.5) return floor + 1;
  // a tie, or NaN from infinity - infinity
  if (fraction !== 0.5) return x;
  return floor % 2 === 0 ? floor : floor + 1;
}

export function clamp(x: number, min: number, max: number): number {
  return x < min ? min : x > max ? max : x;
}
