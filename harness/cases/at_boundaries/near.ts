import type { Random } from '../../../models/random.ts';
import { floatOfKey, keyOfFloat } from '../../../src/requantize/float_keys.ts';
import type { Scales } from '../../../src/graph/graph.ts';

/** Steps beside a boundary. */
export const steps = (random: Random): number => random.pick([-3, -2, -1, -1, 0, 0, 1, 2, 3]);

/** A float32, `ulps` further up. */
export const beside = (x: number, ulps: number): number => floatOfKey(keyOfFloat(x) + ulps);

/** The first integer in (low, high] of the other side, where `isAbove` changes once; undefined where it does not. */
export function firstChange(isAbove: (at: number) => boolean, low: number, high: number): number | undefined {
  const before = isAbove(low);
  if (isAbove(high) === before) return undefined;
  let [from, to] = [low, high];
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2);
    if (isAbove(middle) === before) from = middle;
    else to = middle;
  }
  return to;
}

/** The first float32 in (low, high] of the other side. */
export function firstFloat(isAbove: (x: number) => boolean, low: number, high: number): number | undefined {
  const key = firstChange((at) => isAbove(floatOfKey(at)), keyOfFloat(low), keyOfFloat(high));
  return key === undefined ? undefined : floatOfKey(key);
}

/**
 * What a file stores for a scale: in PyTorch a double, which is a float32 or lies where rounding it to one is decided.
 */
export function stored(random: Random, scale: number, torch: boolean): number {
  if (!torch || random.chance(0.4)) return scale;
  const tie = (scale + beside(scale, random.pick([-1, 1]))) / 2;
  return random.pick([tie, tie * (1 + 2 ** -52), tie * (1 - 2 ** -53), scale * (1 + random.unit() * 2 ** -24)]);
}

/** Of a whole tensor. */
export const quantizationOf = (scale: number, zero: number, torch: boolean) => ({
  scale: scales([scale], torch),
  zeroPoint: Int32Array.of(zero),
});

export const scales = (values: readonly number[], torch: boolean): Scales =>
  torch ? Float64Array.from(values) : Float32Array.from(values);
