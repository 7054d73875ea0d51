import {
  byteRange,
  elementCount,
  newElementData,
  type Attributes,
  type Constant,
  type Graph,
  type Quantization,
  type QuantizedType,
  type TensorInfo,
} from '../../src/graph/graph.ts';
import { Tensor } from '../../src/tensor.ts';
import type { Random } from '../../models/random.ts';

/** What kinds of cases are drawn from. */
export type ByteType = 'uint8' | 'int8';

export function zeroPoint(random: Random, type: ByteType): number {
  const [min, max] = byteRange(type);
  return random.pick([min, max, min + 128, random.integer(min, max), random.integer(min, max)]);
}

export const whole = (scale: number, zero: number): Quantization => ({
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(zero),
});

/** How inputs are filled: extremes beside random values. */
export const FILLS = ['random', 'random', 'random', 'least', 'most', 'checkerboard', 'sparse'] as const;

export function bytes(
  random: Random,
  type: ByteType,
  shape: readonly number[],
  fill: (typeof FILLS)[number] | 'all',
  zero: number,
) {
  const [min, max] = byteRange(type);
  const data = newElementData(type, elementCount(shape));
  for (let i = 0; i < data.length; i++) {
    if (fill === 'all') data[i] = min + (i & 255);
    else if (fill === 'least') data[i] = min;
    else if (fill === 'most') data[i] = max;
    else if (fill === 'checkerboard') data[i] = i % 2 ? min : max;
    else if (fill === 'sparse' && random.chance(0.8)) data[i] = zero;
    else data[i] = random.integer(min, max);
  }
  return new Tensor(type, data, shape);
}

/** Scales for which ties happen (powers of two) beside any others. */
export const someScale = (random: Random, powers = 0.3): number =>
  random.chance(powers) ? 2 ** random.integer(-9, 2) : random.scale(0.001, 4);

export function graphOf(
  engine: string,
  op: string,
  inputs: readonly TensorInfo[],
  output?: QuantizedType,
  constants: readonly Constant[] = [],
  attributes: Attributes = {},
): Graph {
  return {
    name: op,
    format: 'case',
    engine,
    nodes: [
      {
        name: op,
        op,
        inputs: [...inputs, ...constants].map(({ name }) => name),
        outputs: ['y'],
        attributes,
      },
    ],
    inputs,
    outputs: ['y'],
    constants: new Map(constants.map((constant) => [constant.name, constant])),
    tensors: new Map(output ? [[output.name, output]] : []),
  };
}

export const channelCount = (random: Random): number =>
  random.chance(0.8) ? random.integer(1, 17) : random.pick([24, 32, 33, 64, 96, 130]);
