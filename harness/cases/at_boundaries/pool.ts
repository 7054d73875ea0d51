import { byteRange, newElementData } from '../../../src/graph/graph.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { Tensor } from '../../../src/tensor.ts';
import type { Random } from '../../../models/random.ts';
import { graphOf, zeroPoint, type ByteType } from '../draw.ts';
import { dialectOf } from '../generate.ts';
import type { Unnamed } from '../case.ts';
import { beside, firstChange, firstFloat, quantizationOf, steps, stored } from './near.ts';

/** How many elements are averaged: numbers whose reciprocals are rounded up and down, powers of two. */
const SIZES = [
  [1, 2],
  [2, 3],
  [2, 7],
  [2, 13],
  [6, 7],
  [5, 10],
  [6, 11],
  [7, 7],
  [4, 4],
  [12, 12],
] as const;
const CHANNELS = 64;

/** An average of whole planes: in each channel a sum at which the engine's function steps, or one beside. */
export function poolAtBoundaries(random: Random, engine: Engine): Unnamed {
  const { torch } = dialectOf(engine.name);
  const type: ByteType = torch || random.chance(0.7) ? 'uint8' : 'int8';
  const [min, max] = byteRange(type);
  const size = random.pick(SIZES);
  const count = size[0] * size[1];
  const input = { type, scale: stored(random, random.scale(1e-3, 1), torch), zeroPoint: zeroPoint(random, type) };
  const free = { type, scale: f32(input.scale * random.scale(0.1, 3)), zeroPoint: zeroPoint(random, type) };
  const output = torch ? input : free;
  const [lo, hi] = [count * (min - input.zeroPoint), count * (max - input.zeroPoint)];
  const at = (): ((sum: number) => number) => engine.globalAveragePool({ input, output, count }).at(0);
  if (!torch) {
    const sum = random.integer(lo, hi);
    const [low, high] = [f32(free.scale / 1.5), f32(free.scale * 1.5)];
    const code = (scale: number): number => {
      free.scale = scale;
      return at()(sum);
    };
    const target = Math.max(code(low), code(high));
    const found = firstFloat((scale) => code(scale) >= target, low, high);
    free.scale = found === undefined ? low : beside(found, steps(random));
  }
  const f = at();
  const data = newElementData(type, CHANNELS * count);
  for (let channel = 0; channel < CHANNELS; channel++) {
    const target = f(lo) < f(hi) ? random.integer(f(lo) + 1, f(hi)) : f(hi);
    const boundary = firstChange((sum) => f(sum) >= target, lo, hi) ?? random.integer(lo, hi);
    const sum = Math.min(Math.max(boundary + random.integer(-1, 1), lo), hi);
    spread(random, data.subarray(channel * count, (channel + 1) * count), sum + count * input.zeroPoint, min, max);
  }
  const shape = [1, CHANNELS, ...size];
  const quantization = ({ scale, zeroPoint: zero }: typeof input) => quantizationOf(scale, zero, torch);
  return {
    description: `GlobalAveragePool at boundaries, ${type} ${shape.join('x')}`,
    graph: graphOf(engine.name, 'GlobalAveragePool', [{ name: 'x', type, shape, quantization: quantization(input) }], {
      name: 'y',
      type,
      quantization: quantization(output),
    }),
    feeds: { x: new Tensor(type, data, shape) },
  };
}

/** Random bytes of a given sum. */
function spread(random: Random, data: Uint8Array | Int8Array, sum: number, min: number, max: number): void {
  let rest = sum;
  for (let i = 0; i < data.length; i++) {
    const left = data.length - 1 - i;
    const value = random.integer(Math.max(min, rest - left * max), Math.min(max, rest - left * min));
    data[i] = value;
    rest -= value;
  }
}
