import { existsSync } from 'node:fs';
import type { NpyArray } from '../../harness/numpy/npy.ts';
import { describe, expect, it } from 'vitest';
import { UnsupportedModelError } from '../errors.ts';
import { readModel } from '../formats/index.ts';
import { inferGraph } from '../layers/infer.ts';
import { referenceTrace } from '../plan/reference.ts';
import {
  KERNEL_SETS,
  recordedOperators,
  TFLITE_OPERATORS,
  toNchw,
  type RecordedOperator,
} from '../../tests/helpers/tflite_operators.ts';
import type { LinearLayer } from './engine.ts';
import { findEngine } from './index.ts';

type Name = keyof typeof KERNEL_SETS;

/** How many elements an engine gives otherwise; undefined where it refuses the model. */
function missed(name: Name, { bytes, feeds }: RecordedOperator, wanted: NpyArray): number | undefined {
  const engine = findEngine(name);
  try {
    const graph = readModel(bytes);
    const typed = inferGraph(graph, engine);
    const [output] = Object.values(referenceTrace({ graph: typed, engine }, feeds(graph)).outputs);
    const reference = toNchw(wanted.data, wanted.shape);
    return Array.from(output!.data, Number).filter((v, i) => !Object.is(v + 0, Number(reference[i]) + 0)).length;
  } catch (error) {
    if (error instanceof UnsupportedModelError) return undefined;
    throw error;
  }
}

describe.skipIf(!existsSync(TFLITE_OPERATORS))('operators recorded from LiteRT, in ../shared', () => {
  const cases = existsSync(TFLITE_OPERATORS) ? recordedOperators() : [];
  it.each(Object.keys(KERNEL_SETS) as Name[])('%s: every one that LiteRT computes', (name) => {
    const [wrong, refused, unknown] = [[], [], []] as string[][];
    for (const one of cases) {
      const wanted = one.expected(name);
      const count = wanted && missed(name, one, wanted);
      if (!wanted) unknown!.push(one.name);
      else if (count === undefined) refused!.push(one.name);
      else if (count > 0) wrong!.push(`${one.name}: ${count}`);
    }
    expect({ wrong, refused, unknown }).toEqual({ wrong: [], refused: [], unknown: [] });
  });
});

describe('a depthwise convolution of int8 in the optimized kernels', () => {
  // of scales 1, 1 and 8: an accumulator of -12 is -1.5; measured on LiteRT 2.3, x86-64 and ARM
  const layer: LinearLayer = {
    op: 'conv',
    depthwise: true,
    input: { type: 'int8', scale: 1, zeroPoint: 0 },
    output: { type: 'int8', scale: 8, zeroPoint: 0 },
    weightScale: Float32Array.of(1),
    weightType: 'int8',
    weightZeroPoint: Int32Array.of(0),
    relu: false,
    inputChannels: 20,
    outputChannels: 20,
    groups: 20,
    kernel: [3, 3],
    pads: [1, 1, 1, 1],
  };
  it.each(['tflite-builtin', 'tflite-builtin-arm64'])(
    '%s: rounds half up in blocks of 8 channels, half away behind',
    (name) => {
      const functions = findEngine(name).linear(layer);
      const values = Array.from({ length: 20 }, (_, channel) => functions.at(channel)(-12));
      expect(values).toEqual([...new Array<number>(16).fill(-1), ...new Array<number>(4).fill(-2)]);
    },
  );
});
