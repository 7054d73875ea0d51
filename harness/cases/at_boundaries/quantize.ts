import { byteRange } from '../../../src/graph/graph.ts';
import { floatOfKey, keyOfFloat } from '../../../src/requantize/float_keys.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { Tensor } from '../../../src/tensor.ts';
import type { Random } from '../../../models/random.ts';
import { bytes, graphOf, zeroPoint, type ByteType } from '../draw.ts';
import { dialectOf } from '../generate.ts';
import type { Unnamed } from '../case.ts';
import { firstChange, quantizationOf, stored } from './near.ts';

const SPECIAL = [0, -0, Infinity, -Infinity, 1e-45, -1e-45, 3.4e38, -3.4e38, 2 ** 31, -(2 ** 31)];
const SHAPE = [1, 1, 43, 42];

/** Every float32 at which the engine's function steps, and three on either side. */
export function quantizeAtBoundaries(random: Random, engine: Engine): Unnamed {
  const { torch } = dialectOf(engine.name);
  const type: ByteType = torch || random.chance(0.6) ? 'uint8' : 'int8';
  const [min, max] = byteRange(type);
  const wide = random.chance(0.2);
  const scale = stored(random, wide ? random.scale(1e-30, 1e30) : random.scale(1e-3, 1), torch);
  const zero = zeroPoint(random, type);
  const f = engine.quantize({ type, scale, zeroPoint: zero });
  const values: number[] = [...SPECIAL];
  for (let code = min + 1; code <= max; code++) {
    const key = firstChange((at) => f(floatOfKey(at)) >= code, keyOfFloat(-Infinity), keyOfFloat(Infinity));
    if (key !== undefined) for (let step = -3; step <= 3; step++) values.push(floatOfKey(key + step));
  }
  const data = Float32Array.from({ length: SHAPE.reduce((a, b) => a * b) }, (_, i) => values[i % values.length]!);
  const quantization = quantizationOf(scale, zero, torch);
  return {
    description: `QuantizeLinear at boundaries to ${type}`,
    graph: graphOf(engine.name, 'QuantizeLinear', [{ name: 'x', type: 'float32', shape: SHAPE }], {
      name: 'y',
      type,
      quantization,
    }),
    feeds: { x: new Tensor('float32', data, SHAPE) },
  };
}

/** Every code, by a scale that may be no float32. */
export function dequantizeAll(random: Random, engine: Engine): Unnamed {
  const { torch } = dialectOf(engine.name);
  const type: ByteType = torch || random.chance(0.6) ? 'uint8' : 'int8';
  const shape = [1, 256];
  const scale = stored(random, random.scale(1e-3, 1), torch);
  const quantization = quantizationOf(scale, zeroPoint(random, type), torch);
  const x = bytes(random, type, shape, 'random', 0);
  const [min] = byteRange(type);
  for (let i = 0; i < 256; i++) x.data[i] = min + i;
  return {
    description: `DequantizeLinear of every ${type}`,
    graph: graphOf(engine.name, 'DequantizeLinear', [{ name: 'x', type, shape, quantization }]),
    feeds: { x },
  };
}
