import { f32 } from './rounding.ts';

const ofBits = (bits: number): number => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits);
  return view.getFloat32(0);
};

const LN2_HIGH = f32(6.9313812256e-1);
const LN2_LOW = f32(9.0580006145e-6);
const INVERSE_LN2 = f32(1.4426950216);
/** ln(2) / 2, ln(2) * 3/2, 27 * ln(2), 2^-25. */
const [HALF_LN2, LN2_AND_HALF, HUGE, TINY] = [0x3eb17218, 0x3f851592, 0x4195b844, 0x33000000].map(ofBits) as [
  number,
  number,
  number,
  number,
];
const COEFFICIENTS = [-2.0109921195e-7, 4.0082177293e-6, -7.936507609e-5, 1.5873016091e-3, -3.3333335072e-2].map(f32);

/** e^x - 1 in float32 steps, as fdlibm's expm1f, which is glibc's before 2.41. */
function expm1(given: number): number {
  const a = Math.abs(given);
  if (given < 0 && a >= HUGE) return -1;
  let [x, k, c] = [given, 0, 0];
  if (a > HALF_LN2) {
    k = a < LN2_AND_HALF ? Math.sign(given) : Math.trunc(f32(f32(INVERSE_LN2 * given) + (given < 0 ? -0.5 : 0.5)));
    const high = f32(given - f32(k * LN2_HIGH));
    const low = f32(k * LN2_LOW);
    x = f32(high - low);
    c = f32(f32(high - x) - low);
  }
  if (a < TINY) return x;
  const halfX = f32(0.5 * x);
  const halfSquare = f32(x * halfX);
  let r = COEFFICIENTS[0]!;
  for (const coefficient of COEFFICIENTS.slice(1)) r = f32(coefficient + f32(halfSquare * r));
  r = f32(1 + f32(halfSquare * r));
  let t = f32(3 - f32(r * halfX));
  let e = f32(halfSquare * f32(f32(r - t) / f32(6 - f32(x * t))));
  if (k === 0) return f32(x - f32(f32(x * e) - halfSquare));
  e = f32(f32(x * f32(e - c)) - c);
  e = f32(e - halfSquare);
  if (k === -1) return f32(f32(0.5 * f32(x - e)) - 0.5);
  if (k === 1) return x < -0.25 ? f32(-2 * f32(e - f32(x + 0.5))) : f32(1 + f32(2 * f32(x - e)));
  if (k <= -2 || k > 56) return f32(f32(f32(1 - f32(e - x)) * 2 ** k) - 1);
  if (k < 23) {
    t = f32(1 - 2 ** -k);
    return f32(f32(t - f32(e - x)) * 2 ** k);
  }
  return f32(f32(f32(x - f32(e + f32(2 ** -k))) + 1) * 2 ** k);
}

/** tanh in float32 steps, as fdlibm's tanhf, which is glibc's before 2.41: not always the nearest float32. */
export function tanh(x: number): number {
  const a = Math.abs(x);
  const t = expm1(f32((a >= 1 ? 2 : -2) * a));
  const magnitude = a >= 22 ? 1 : a >= 1 ? f32(1 - f32(2 / f32(t + 2))) : f32(-t / f32(t + 2));
  return x < 0 ? -magnitude : magnitude;
}
