import type { Random } from '../../../models/random.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import { floatOfKey, keyOfFloat } from '../../../src/requantize/float_keys.ts';

const nextTo = (x: number, ulps: number): number => floatOfKey(keyOfFloat(f32(x)) + ulps);
const CODES = 255;
const LARGEST = 3.4028234663852886e38;

/** The upper end of a range from `low`, of which the scale is nearest to a tie between two float32 values. */
function tiedEnd(random: Random, low: number): number {
  let [best, least] = [1, Infinity];
  for (let i = 0; i < 300; i++) {
    const high = random.scale(0.01, 100);
    const scale = f32(high - low) / CODES;
    const fromTie = Math.abs(Math.abs(scale - f32(scale)) / scale - 2 ** -25);
    if (fromTie < least) [best, least] = [high, fromTie];
  }
  return best;
}

/** Both ends of a range; its zero point may lie at a tie, or some float32 values beside. */
function ends(random: Random): [number, number] {
  const wide = random.scale(1e-3, 1e3);
  const at = random.integer(0, CODES - 1) + 0.5;
  const steps = random.integer(-3, 3);
  return random.pick<() => [number, number]>([
    () => [-wide, random.scale(1e-3, 1e3)],
    () => [0, wide],
    () => [-wide, 0],
    () => [-f32((wide * at) / CODES), nextTo((wide * (CODES - at)) / CODES, steps)],
    () => [0, tiedEnd(random, 0)],
    () => [-wide, tiedEnd(random, -wide)],
  ])();
}

/** Both ends of a range, and between them ties of its codes, and a few float32 values beside. */
function atTies(random: Random, count: number): number[] {
  const [low, high] = ends(random);
  const scale = f32(f32(high - low) / CODES);
  const zero = Math.round(-low / scale);
  const value = (): number => nextTo((random.integer(-zero, CODES - 1 - zero) + 0.5) * scale, random.integer(-3, 3));
  return Array.from({ length: count }, (_, i) =>
    i === 0 ? low : i === 1 ? high : Math.min(Math.max(value(), low), high),
  );
}

const anyFloat = (random: Random): number =>
  new Float32Array(
    Uint32Array.of(random.integer(0, 1) * 2 ** 31 + random.integer(0, 254) * 2 ** 23 + random.integer(0, 2 ** 23 - 1))
      .buffer,
  )[0]!;

/** A way to fill a tensor. */
type Fill = (random: Random, count: number) => readonly number[];

const each =
  (valueOf: (random: Random) => () => number): Fill =>
  (random, count) =>
    Array.from({ length: count }, valueOf(random));

const around =
  (least: number, most: number) =>
  (random: Random): (() => number) => {
    const size = random.scale(least, most);
    return () => (random.unit() - 0.5) * size;
  };

/** Of few values: many are equal, others far apart. */
const few = (random: Random): (() => number) => {
  const values = Array.from({ length: random.integer(2, 4) }, () => (random.unit() - 0.5) * random.scale(1, 300));
  return () => random.pick(values);
};

/** What decides in operators of floats: random values, ties of their own range, one value alone, ends of what float32 holds. */
const FILLS: readonly Fill[] = [
  ...Array.from({ length: 4 }, () => each(around(0.1, 50))),
  ...Array.from({ length: 4 }, () => atTies),
  each(around(1e-4, 1e4)),
  each(few),
  each(() => () => 0),
  each((random) => () => random.pick([0, 0, -0, -0, 1, -1])),
  each((random) => {
    const value = (random.unit() - 0.5) * random.scale(1e-3, 1e3);
    return () => value;
  }),
  each((random) => () => random.unit()),
  each((random) => () => -random.unit()),
  // subnormal
  each(around(1e-44, 1e-36)),
  // ranges and sums that are infinite
  each((random) => () => (random.unit() - 0.5) * LARGEST * 2),
  each((random) => () => (random.chance(0.1) ? random.pick([Infinity, -Infinity]) : (random.unit() - 0.5) * 8)),
  each((random) => () => anyFloat(random)),
];

/** Values of a float32 tensor. */
export const floats = (random: Random, count: number): Float32Array<ArrayBuffer> =>
  Float32Array.from(random.pick(FILLS)(random, count));
