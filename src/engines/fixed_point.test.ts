import { describe, expect, it } from 'vitest';
import { Random } from '../../models/random.ts';
import { double, doubleUp, highMultiply, quantizeMultiplier, single, type Rescale } from './fixed_point.ts';
import { findEngine } from './index.ts';
import type { LinearLayer } from './engine.ts';

/** Rounded division by a power of two of integers of any length. */
const floor = (x: bigint, shift: bigint): bigint => x >> shift;
const halfUp = (x: bigint, shift: bigint): bigint => (shift === 0n ? x : floor(x + (1n << (shift - 1n)), shift));
const halfAway = (x: bigint, shift: bigint): bigint => (x < 0n ? -halfUp(-x, shift) : halfUp(x, shift));

/** As the source has them, in integers of any length. */
const DEFINITIONS: Readonly<Record<string, (x: bigint, m: bigint, e: number) => bigint>> = {
  double: (x, m, e) => halfAway(halfUp((x << BigInt(Math.max(e, 0))) * m, 31n), BigInt(Math.max(-e, 0))),
  doubleUp: (x, m, e) => halfUp(halfUp((x << BigInt(Math.max(e, 0))) * m, 31n), BigInt(Math.max(-e, 0))),
  single: (x, m, e) => halfUp(x * m, BigInt(31 - e)),
};
const RESCALES: Readonly<Record<string, Rescale>> = { double, doubleUp, single };

const random = new Random(4);
const CASES = 20_000;

/** Accumulators at which the result lies between two integers, give or take a little, and any. */
function sums(multiplier: number, exponent: number): number[] {
  const scale = multiplier * 2 ** (exponent - 31);
  const most = 2 ** (31 - Math.max(exponent, 0)) - 2;
  const tie = (random.integer(-300, 300) + 0.5) / scale;
  return [...[-1, 0, 1].map((step) => Math.round(tie) + step), random.integer(-most, most)].filter(
    (sum) => Math.abs(sum) <= most,
  );
}

describe.each(Object.keys(RESCALES))('%s', (name) => {
  it('is its definition in integers of any length', () => {
    let [count, ties] = [0, 0];
    while (count < CASES) {
      const by = { multiplier: random.integer(2 ** 30, 2 ** 31 - 1), exponent: random.integer(-20, 4) };
      for (const sum of sums(by.multiplier, by.exponent)) {
        const expected = Object.entries(DEFINITIONS).map(
          ([of, f]) => [of, f(BigInt(sum), BigInt(by.multiplier), by.exponent)] as const,
        );
        const own = expected.find(([of]) => of === name)![1];
        if (BigInt(RESCALES[name]!(sum, by)) !== own) expect([sum, by, RESCALES[name]!(sum, by)]).toEqual(own);
        if (expected.some(([, value]) => value !== own)) ties++;
        count++;
      }
    }
    // or the three would be told apart by nothing
    expect(ties).toBeGreaterThan(10);
  });
});

describe('a multiplier', () => {
  it('has 31 bits of a number, rounded half away from zero', () => {
    expect(quantizeMultiplier(0)).toEqual({ multiplier: 0, exponent: 0 });
    expect(quantizeMultiplier(1)).toEqual({ multiplier: 2 ** 30, exponent: 1 });
    expect(quantizeMultiplier(0.75)).toEqual({ multiplier: 0.75 * 2 ** 31, exponent: 0 });
    expect(quantizeMultiplier(1 - 2 ** -40)).toEqual({ multiplier: 2 ** 30, exponent: 1 });
    expect(quantizeMultiplier(2 ** -33)).toEqual({ multiplier: 0, exponent: 0 });
    expect(quantizeMultiplier((2 ** 31 - 1 + 2 ** 30) / 2 ** 34)).toMatchObject({ exponent: -2 });
    expect(() => quantizeMultiplier(Infinity)).toThrow('scales whose ratio is Infinity');
  });
  it('multiplies negative numbers, too', () => {
    for (let i = 0; i < CASES; i++) {
      const [a, b] = [random.integer(-(2 ** 31), 2 ** 31 - 1), random.integer(-(2 ** 31), 2 ** 31 - 1)];
      if (BigInt(highMultiply(a, b)) !== halfUp(BigInt(a) * BigInt(b), 31n)) expect([a, b]).toEqual([]);
    }
  });
});

/** Engines of which there is no build to run: a whole requantization, against its definition. */
describe.each([
  ['gemmlowp', 'double'],
  ['tflite-single', 'single'],
] as const)('%s', (name, rescale) => {
  it.each(['conv', 'gemm'] as const)('computes a %s by one multiplier', (op) => {
    const layer: LinearLayer = {
      op,
      input: { type: 'int8', scale: Math.fround(0.0247), zeroPoint: 3 },
      output: { type: 'int8', scale: Math.fround(0.0613), zeroPoint: -7 },
      weightScale: Float32Array.of(0.0071, 0.0123),
      weightType: 'int8',
      weightZeroPoint: Int32Array.of(0),
      bias: Int32Array.of(100, -2000),
      relu: false,
      clamp: [-100, 127],
      inputChannels: 8,
      outputChannels: 2,
      groups: 1,
      kernel: [1, 1],
      pads: [0, 0, 0, 0],
    };
    const functions = findEngine(name).linear(layer);
    for (const channel of [0, 1]) {
      const f = functions.at(channel);
      const real = (layer.input.scale * layer.weightScale[channel]!) / layer.output.scale;
      const [mantissa, exponent] = [
        BigInt(Math.round(real * 2 ** (31 - Math.ceil(Math.log2(real))))),
        Math.ceil(Math.log2(real)),
      ];
      for (let sum = -60_000; sum < 60_000; sum += 7) {
        const added = BigInt(sum + layer.bias![channel]!);
        const value = Number(DEFINITIONS[rescale]!(added, mantissa, exponent)) - 7;
        if (f(sum) !== Math.min(Math.max(value, -100), 127)) expect([sum, f(sum)]).toEqual([sum, value]);
      }
    }
  });
});
