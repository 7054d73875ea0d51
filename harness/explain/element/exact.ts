import Fraction from 'fraction.js';

/** A number in which nothing is rounded: as a fraction, and its first digits (all of them where no … follows). */
export interface Exact {
  readonly fraction: string;
  readonly decimal: string;
}

/** A float32 as the number that it is, and its bits. */
export interface Float32 {
  /** The steps that give it, each one float32 operation; where it is not simply in the file. */
  readonly how?: string;
  readonly value: number;
  readonly fraction: string;
  /** 0x and eight hexadecimal digits. */
  readonly bits: string;
}

/** A number that is to be rounded to an integer, and how near it is to where rounding steps. */
export interface Rounded extends Exact {
  /** The nearest number halfway between two integers. */
  readonly tie: string;
  /** From there; 0 where the number is a tie. */
  readonly distance: Exact;
}

/** Digits of a decimal behind its leading zeros. */
const SIGNIFICANT = 12;

/** A finite double (a float32, too) is a fraction whose denominator is a power of two. */
export function exactly(x: number): Fraction {
  let denominator = 1n;
  for (; !Number.isInteger(x); x *= 2) denominator *= 2n;
  return new Fraction(BigInt(x), denominator);
}

export function exactOf(x: Fraction): Exact {
  return { fraction: fractionText(x), decimal: decimal(x) };
}

function fractionText(x: Fraction): string {
  const numerator = x.s * x.n;
  return x.d === 1n ? String(numerator) : `${numerator}/${x.d}`;
}

/** Cut, not rounded: what is shown are digits of the number. */
function decimal(x: Fraction): string {
  const sign = x.s < 0n ? '-' : '';
  let text = `${sign}${x.n / x.d}`;
  let rest = x.n % x.d;
  if (rest === 0n) return text;
  text += '.';
  for (let shown = 0; rest > 0n && shown < SIGNIFICANT;) {
    rest *= 10n;
    const digit = rest / x.d;
    rest %= x.d;
    text += String(digit);
    if (shown > 0 || digit > 0n) shown++;
  }
  return rest > 0n ? `${text}…` : text;
}

const bits = new DataView(new ArrayBuffer(4));

export function float32(value: number, how?: string): Float32 {
  bits.setFloat32(0, value);
  return {
    ...(how === undefined ? {} : { how }),
    value,
    fraction: Number.isFinite(value) ? fractionText(exactly(value)) : String(value),
    bits: `0x${bits.getUint32(0).toString(16).padStart(8, '0')}`,
  };
}

const HALF = new Fraction(1n, 2n);

export function rounded(x: Fraction): Rounded {
  const tie = x.floor().add(HALF);
  return { ...exactOf(x), tie: decimal(tie), distance: exactOf(x.sub(tie).abs()) };
}

/** The ways to make an integer of a number. */
export const ROUNDINGS = {
  even: 'to nearest, ties to even',
  away: 'to nearest, ties away from zero',
  up: 'to nearest, ties up',
  down: 'to nearest, ties down',
  floor: 'down',
  truncate: 'toward zero',
} as const;
export type Rounding = keyof typeof ROUNDINGS;

export function round(x: Fraction, rounding: Rounding): number {
  const floor = x.floor();
  const above = x.sub(floor).compare(HALF);
  const isUp = {
    even: above > 0 || (above === 0 && floor.n % 2n === 1n),
    away: above > 0 || (above === 0 && x.s > 0n),
    up: above >= 0,
    down: above > 0,
    floor: false,
    truncate: x.s < 0n && !x.equals(floor),
  };
  return Number(floor.valueOf()) + Number(isUp[rounding]);
}

/** A scale in integers: multiplier / 2^shift, the multiplier of 31 bits. */
export interface FixedPoint {
  readonly multiplier: number;
  readonly shift: number;
}

/** The nearest multiplier in [2^30, 2^31), ties away from zero, as gemmlowp and TFLite choose it. */
export function fixedPoint(scale: Fraction): FixedPoint {
  let shift = 31;
  let unit = scale.mul(new Fraction(1n << 31n));
  for (; unit.compare(1n << 30n) < 0; shift++) unit = unit.mul(2n);
  for (; unit.compare(1n << 31n) >= 0; shift--) unit = unit.div(2n);
  const multiplier = round(unit, 'away');
  return multiplier === 2 ** 31 ? { multiplier: 2 ** 30, shift: shift - 1 } : { multiplier, shift };
}

/** How fixed point becomes an integer; twice: to the product's upper 32 bits, and by a shift. */
export const FIXED_POINT = {
  single: 'fixed point, one rounding (ties up)',
  double: 'fixed point, rounded twice as in gemmlowp (the second time ties away from zero)',
  'double-up': 'fixed point, rounded twice (ties up)',
} as const;
export type FixedPointRounding = keyof typeof FIXED_POINT;

export function requantizeFixed(
  accumulator: number,
  { multiplier, shift }: FixedPoint,
  rounding: FixedPointRounding,
): number {
  const product = new Fraction(BigInt(accumulator) * BigInt(multiplier));
  const over = (x: Fraction, bits: number): Fraction =>
    bits >= 0 ? x.div(1n << BigInt(bits)) : x.mul(1n << BigInt(-bits));
  if (rounding === 'single') return round(over(product, shift), 'up');
  // a scale of 1 or more is shifted to the left before, which rounds nothing
  const first = round(over(product, Math.min(31, shift)), 'up');
  return round(over(new Fraction(BigInt(first)), Math.max(0, shift - 31)), rounding === 'double' ? 'away' : 'up');
}
