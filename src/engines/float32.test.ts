import { describe, expect, it } from 'vitest';
import { fma } from './float32.ts';
import { roundHalfEven } from './rounding.ts';

/** A finite float32 or float64 value as numerator * 2^exponent. */
function rational(x: number): [numerator: bigint, exponent: number] {
  let exponent = 0;
  while (!Number.isInteger(x)) {
    x *= 2;
    exponent--;
  }
  return [BigInt(x), exponent];
}

/** a * b + c in rational arithmetic, rounded once to the nearest float32, ties to even. */
function exactFma(a: number, b: number, c: number): number {
  const [an, ae] = rational(a);
  const [bn, be] = rational(b);
  const [cn, ce] = rational(c);
  const exponent = Math.min(ae + be, ce);
  const numerator = ((an * bn) << BigInt(ae + be - exponent)) + (cn << BigInt(ce - exponent));
  if (numerator === 0n) return Math.fround(a * b + c);
  const magnitude = numerator < 0n ? -numerator : numerator;
  // 24 bits, or fewer where the result is subnormal
  const top = magnitude.toString(2).length + exponent;
  const last = Math.max(top - 24, -149);
  const shift = BigInt(Math.max(0, last - exponent));
  let rounded = magnitude >> shift;
  const rest = magnitude - (rounded << shift);
  if (shift > 0n) {
    const half = 1n << (shift - 1n);
    if (rest > half || (rest === half && rounded % 2n === 1n)) rounded++;
  }
  let value = Number(rounded);
  for (let e = exponent + Number(shift); e !== 0; e -= Math.sign(e)) value *= e > 0 ? 2 : 0.5;
  if (value >= 2 ** 128) value = Infinity;
  return numerator < 0n ? -value : value;
}

/** A small reproducible generator of 32 bits. */
function randomBits(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return Math.imul(seed ^ (seed >>> 13), 0x297a2d39) >>> 0;
  };
}

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);
const fromBits = (value: number): number => {
  bits[0] = value;
  return floats[0]!;
};

describe('fma', () => {
  it('equals rational arithmetic on random values of all magnitudes', () => {
    const random = randomBits(1);
    for (let i = 0; i < 40_000; i++) {
      const [a, b, c] = [fromBits(random()), fromBits(random()), fromBits(random())];
      if (![a, b, c].every(Number.isFinite)) continue;
      expect(Object.is(fma(a, b, c), exactFma(a, b, c))).toBe(true);
    }
  });

  it('equals rational arithmetic on near ties', () => {
    const random = randomBits(2);
    let doubleRounded = 0;
    for (let i = 0; i < 40_000; i++) {
      // c is a float32 of 24 bits with the product half a unit beside it, give or take a sliver
      const c = fromBits(0x4b800000 + (random() & 0x7fffff)) * (random() & 1 ? 1 : -1);
      const a = Math.fround(1 + (random() % 5) * 2 ** -23);
      const b = Math.fround((1 - (random() % 5) * 2 ** -24) * (random() & 1 ? 1 : -1));
      const scale = 2 ** -(random() % 60);
      const triple = [Math.fround(a * scale), b, Math.fround(c * scale)] as const;
      expect(fma(...triple)).toBe(exactFma(...triple));
      if (Math.fround(triple[0] * triple[1] + triple[2]) !== fma(...triple)) doubleRounded++;
    }
    // or the cases would prove nothing
    expect(doubleRounded).toBeGreaterThan(100);
  });

  it('holds at the ends: subnormals, overflow, infinities, zeros', () => {
    const max = fromBits(0x7f7fffff);
    const tiny = fromBits(1);
    const triples: [number, number, number][] = [
      [tiny, 0.5, tiny],
      [tiny, 0.5, 0],
      [fromBits(0x00800001), 0.5, tiny],
      [max, 1, 2 ** 103],
      [max, 1, Math.fround(2 ** 103 * (1 - 2 ** -24))],
      [max, max, -max],
      [max, -1, max],
      [0, 0, -0],
    ];
    for (const triple of triples) expect(Object.is(fma(...triple), exactFma(...triple))).toBe(true);
    // 2^128 - 2^103 less a sliver: a tie in double, below it in truth
    expect(fma(-(2 ** -60), 1, 2 ** 103)).toBe(2 ** 103);
    expect(fma(Infinity, 1, 0)).toBe(Infinity);
    expect(fma(Infinity, 1, -Infinity)).toBeNaN();
  });
});

describe('roundHalfEven', () => {
  /** The integers around x, and the one that is nearer, or even. */
  function expected(x: number): number {
    const below = Math.floor(x);
    const [down, up] = [x - below, below + 1 - x];
    return down < up || (down === up && below % 2 === 0) ? below : below + 1;
  }

  it('takes ties to the even integer, as far as doubles have halves', () => {
    const random = randomBits(5);
    const large = [2 ** 23, 2 ** 31, 2 ** 50, 2 ** 51, 2 ** 52 - 4];
    for (const base of [0, 1, 2, 3, 127, 255, ...large])
      for (const part of [0, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 0.49999999999999994])
        for (const x of [base + part, -base - part]) expect(roundHalfEven(x) + 0).toBe(expected(x) + 0);
    for (let trial = 0; trial < 10_000; trial++) {
      const x = ((random() | 0) / 2 ** (random() % 40)) * 2 ** (random() % 20);
      expect(roundHalfEven(x) + 0).toBe(expected(x) + 0);
    }
  });

  it('leaves integers that have no halves beside them, infinities and NaN', () => {
    for (const x of [2 ** 52, -(2 ** 52) - 1, 2 ** 60, 1e300, Infinity, -Infinity]) expect(roundHalfEven(x)).toBe(x);
    expect(roundHalfEven(NaN)).toBeNaN();
  });
});
