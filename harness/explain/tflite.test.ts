import { describe, expect, it } from 'vitest';
import { Random } from '../../models/random.ts';
import { findEngine } from '../../src/engines/index.ts';
import { readModel } from '../../src/formats/index.ts';
import type { ElementData } from '../../src/graph/graph.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { Tensor } from '../../src/tensor.ts';
import { writeTflite, type TfliteOperator, type TfliteTensor } from '../../tests/helpers/tflite_file.ts';
import { elementAt } from './at.ts';
import { explain } from './explain.ts';

type ByteType = 'uint8' | 'int8';

const SIDE = 20;

/** A layer of a type as a .tflite file: its tensors, and the operator. */
interface Layer {
  readonly operator: Omit<TfliteOperator, 'outputs'>;
  readonly tensors: readonly TfliteTensor[];
}

const bytesOf = (type: ByteType, values: readonly number[]): Uint8Array | Int8Array =>
  type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values);
const low = (type: ByteType): number => (type === 'uint8' ? 0 : -128);

/** Weights of all values and a bias; int8 has a scale for each channel. */
function weighted(
  random: Random,
  op: 'CONV_2D' | 'DEPTHWISE_CONV_2D' | 'FULLY_CONNECTED',
  type: ByteType,
  shapes: Record<'x' | 'w' | 'y', readonly number[]>,
  options: TfliteOperator['options'],
): Layer {
  const [axis, channels] = op === 'DEPTHWISE_CONV_2D' ? [3, shapes.w[3]!] : [0, shapes.w[0]!];
  const isPerChannel = type === 'int8' && op !== 'FULLY_CONNECTED';
  const scale = Array.from({ length: isPerChannel ? channels : 1 }, () => random.scale(0.002, 0.01));
  const zero = type === 'uint8' ? 121 : 0;
  const count = shapes.w.reduce((product, d) => product * d, 1);
  const weights = Array.from({ length: count }, () => random.integer(Math.max(low(type), -127), low(type) + 255));
  const [sx, sy] = [0.021, 0.05];
  return {
    operator: { op, inputs: ['x', 'w', 'b'], options: { ...options } },
    tensors: [
      { name: 'x', type, shape: shapes.x, scale: [sx], zeroPoint: [low(type) + 117] },
      { name: 'w', type, shape: shapes.w, ...(isPerChannel && { axis }), scale, zeroPoint: scale.map(() => zero), data: bytesOf(type, weights) },
      { name: 'b', type: 'int32', shape: [channels], scale: scale.map((s) => Math.fround(s * sx)), zeroPoint: [0], data: Int32Array.from({ length: channels }, () => random.integer(-3000, 3000)) },
      { name: 'y', type, shape: shapes.y, scale: [sy], zeroPoint: [low(type) + 99] },
    ],
  }; // prettier-ignore
}

const stride = { padding: 0, strideW: 1, strideH: 1 };
const plane = (channels: number): readonly number[] => [1, SIDE, SIDE, channels];

const LAYERS = {
  conv: (random: Random, type: ByteType) =>
    weighted(random, 'CONV_2D', type, { x: plane(3), w: [32, 3, 3, 3], y: plane(32) }, stride),
  depthwise: (random: Random, type: ByteType) =>
    weighted(random, 'DEPTHWISE_CONV_2D', type, { x: plane(20), w: [1, 3, 3, 20], y: plane(20) }, { ...stride, depthMultiplier: 1 }),
  connected: (random: Random, type: ByteType) =>
    weighted(random, 'FULLY_CONNECTED', type, { x: [60, 24], w: [32, 24], y: [60, 32] }, {}),
  add: (_: Random, type: ByteType, activation = 0): Layer => {
    const tensor = (name: string, scale: number, zero: number): TfliteTensor => ({ name, type, shape: [1, 32, 32, 15], scale: [scale], zeroPoint: [low(type) + zero] });
    return {
      operator: { op: 'ADD', inputs: ['x', 'other'], options: { fusedActivationFunction: activation } },
      tensors: [tensor('x', 0.02, 90), tensor('other', 0.0123, 140), tensor('y', 0.04, 120)],
    };
  },
  mean: (_: Random, type: ByteType): Layer => ({
    operator: { op: 'MEAN', inputs: ['x', 'axes'], options: { keepDims: true } },
    tensors: [
      { name: 'x', type, shape: [150, 4, 3, 20], scale: [0.05], zeroPoint: [low(type) + 90] },
      { name: 'axes', type: 'int32', shape: [2], data: Int32Array.of(1, 2) },
      { name: 'y', type, shape: [150, 1, 1, 20], scale: [0.05], zeroPoint: [low(type) + 120] },
    ],
  }),
}; // prettier-ignore

/** A layer, what `theirs` computes of random inputs explained against what `reference` does. */
function explained(kind: keyof typeof LAYERS, type: ByteType, reference: string, theirs: string, activation?: number) {
  const random = new Random(7);
  const { operator, tensors } = LAYERS[kind](random, type, activation);
  const inputs = operator.inputs.filter((name) => !tensors.find((tensor) => tensor.name === name)!.data);
  const file = { tensors, operators: [{ ...operator, outputs: ['y'] }], inputs, outputs: ['y'] };
  const graph = readModel(writeTflite(file));
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => {
      const count = shape.reduce((product, d) => product * d, 1);
      const values = Array.from({ length: count }, () => random.integer(low(type), low(type) + 255));
      return [name, new Tensor(type, bytesOf(type, values) as never, shape)];
    }),
  );
  const trace = (engine: string): ElementData =>
    referenceTrace(createPlan(graph, { engine }), feeds).outputs['y']!.data;
  const data = new Map(Object.entries(feeds).map(([name, tensor]) => [name, tensor.data]));
  const wrong = new Map([['y', trace(theirs)]]);
  const { layers, identified } = explain({
    graph,
    shapes: {},
    reference: data,
    engines: [findEngine(reference)],
    theirs: wrong,
  });
  const [layer] = layers;
  return { layer: layer?.explanation, bound: identified.bound, data, wrong };
}

describe("TensorFlow Lite's ways", () => {
  it.each([
    // the puzzle: one rounding in place of two
    ['conv', 'uint8', 'tflite', 'tflite-single', [['rounding', /rounded once/, /rounded twice.*away from zero/]]],
    ['conv', 'int8', 'tflite', 'tflite-single', [['rounding', /rounded once/, /rounded twice.*away from zero/]]],
    ['conv', 'uint8', 'tflite-builtin', 'tflite', [['rounding', /away from zero/, /rounded twice.*ties up/]]],
    [
      'depthwise',
      'int8',
      'tflite-builtin',
      'tflite',
      [['rounding', /away from zero/, /in whole blocks of 8 channels/]],
    ],
    ['add', 'int8', 'xnnpack', 'tflite', [['scale', /engine tflite /, /engine xnnpack /]]],
    ['mean', 'int8', 'tflite-builtin', 'tflite', [['scale', /engine tflite /, /engine tflite-builtin /]]],
    ['mean', 'uint8', 'xnnpack', 'tfjs-tflite', [['scale', /31 bits/, /float32/]]],
  ] as const)('%s of %s: %s, where theirs is %s', (kind, type, reference, theirs, expected) => {
    const { layer } = explained(kind, type, reference, theirs);
    expect(layer, 'some value differs').toBeDefined();
    const { causes, exact, certain, notes } = layer!;
    expect({ exact, certain, notes }).toEqual({ exact: true, certain: true, notes: [] });
    expect(causes.map(({ kind, side }) => [kind, side])).toEqual(expected.map(([kind]) => [kind, 'theirs']));
    for (const [i, [, theirs, reference]] of expected.entries()) {
      const [first, second] = causes[i]!.detail.split('; the reference: ');
      expect(first).toMatch(theirs);
      expect(second).toMatch(reference);
    }
  });

  it('FULLY_CONNECTED in fixed point, where the reference kernels multiply doubles', () => {
    const { layer } = explained('connected', 'int8', 'tflite', 'gemmlowp');
    expect(layer).toMatchObject({ exact: true, certain: true, causes: [{ kind: 'rounding', side: 'theirs' }] });
    expect(layer!.causes[0]!.detail).toMatch(/^rounded twice/);
  });

  it('an add with an activation that is neither ReLU nor ReLU6, and its elements, are clamped by that', () => {
    const { bound, data, wrong, layer } = explained('add', 'int8', 'xnnpack', 'tflite', 2);
    expect(layer).toMatchObject({ exact: true, certain: true, causes: [{ kind: 'scale' }] });
    const bounds = bound.graph.nodes[0]!.attributes['clamp'];
    expect(bounds).toEqual([-33, 17]);
    const { requantized, output } = elementAt(
      bound,
      { tensor: 'y', index: [0, 1, 2, 3] },
      { reference: data, theirs: wrong },
    );
    expect(output).toMatchObject({ clamp: bounds });
    const values = requantized.flatMap(({ results }) => results.map(({ value }) => value));
    expect(values.length).toBeGreaterThan(0);
    expect(values.every((value) => value >= -33 && value <= 17)).toBe(true);
  });
});
