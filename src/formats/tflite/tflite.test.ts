import { describe, expect, it } from 'vitest';
import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import { createPlan } from '../../plan/plan.ts';
import { referenceTrace } from '../../plan/reference.ts';
import { Tensor } from '../../tensor.ts';
import { Random } from '../../../models/random.ts';
import { smallTflite, smallTfliteModel } from '../../../tests/helpers/small_tflite.ts';
import { writeTflite, type TfliteModel, type TfliteTensor } from '../../../tests/helpers/tflite_file.ts';
import { fetchesOf, fill } from '../../session/fetches.ts';
import { readModel } from '../index.ts';

/** A model with one of its tensors changed. */
function changed(name: string, change: Partial<TfliteTensor>, model = smallTfliteModel('int8')): Uint8Array {
  return writeTflite({
    ...model,
    tensors: model.tensors.map((one) => (one.name === name ? { ...one, ...change } : one)),
  });
}

function refusal(bytes: Uint8Array): string {
  try {
    createPlan(readModel(bytes));
  } catch (error) {
    if (error instanceof UnsupportedModelError || error instanceof InvalidModelError)
      return `${error.name}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('a .tflite file', () => {
  it('becomes a graph in NCHW, its tensors by their names', () => {
    const graph = readModel(smallTflite('int8'));
    expect(graph).toMatchObject({ format: 'tflite', layout: 'NHWC', engine: 'xnnpack', outputs: ['softmax'] });
    expect(graph.inputs).toMatchObject([{ name: 'x', type: 'int8', shape: [1, 3, 8, 8] }]);
    expect(graph.nodes.map(({ op, outputs }) => [op, outputs[0]])).toEqual([
      ['Conv', 'conv'],
      ['Conv', 'depthwise'],
      ['Add', 'sum'],
      ['AveragePool', 'pool'],
      ['ReduceMean', 'mean'],
      ['Gemm', 'logits'],
      ['Softmax', 'softmax'],
    ]);
    // SAME: of a stride of 2 in 8 pixels, one row and column behind; 6 / (6 / 255) = 255 steps above the zero point
    expect(graph.nodes[0]!.attributes).toMatchObject({ pads: [0, 0, 1, 1], strides: [2, 2], clamp: [-128, 127] });
    expect(graph.nodes[1]!.attributes).toMatchObject({ pads: [1, 1, 1, 1], group: 12, depthwise: 1 });
    const [w, depthwise] = ['w0', 'w1'].map((name) => graph.constants.get(name)!);
    expect([w!.shape, w!.quantization!.axis, w!.quantization!.scale.length]).toEqual([[12, 3, 3, 3], 0, 12]);
    expect([depthwise!.shape, depthwise!.quantization!.axis]).toEqual([[12, 1, 3, 3], 0]);
    // OHWI to OIHW
    const file = smallTfliteModel('int8').tensors.find(({ name }) => name === 'w0')!.data!;
    expect(w!.data[((5 * 3 + 1) * 3 + 2) * 3]).toBe(file[((5 * 3 + 2) * 3 + 0) * 3 + 1]);
  });

  // of uint8 the reference and the optimized kernels differ at ties alone
  it.each([
    ['uint8', 2],
    ['int8', 3],
  ] as const)('of %s runs under each engine, with %i results', (type, count) => {
    const graph = readModel(smallTflite(type, 1, 24));
    const random = new Random(2);
    const values = Array.from({ length: 192 }, () => random.integer(0, 255) - (type === 'int8' ? 128 : 0));
    const data = type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values);
    const results = ['tflite', 'tflite-builtin', 'xnnpack'].map((engine) => {
      const { tensors } = referenceTrace(createPlan(graph, { engine }), { x: new Tensor(type, data, [1, 3, 8, 8]) });
      return JSON.stringify(tensors.map((tensor) => [...tensor.data].map(Number)));
    });
    expect(new Set(results).size).toBe(count);
  });

  it('counts elements with the channels last where it reshapes', () => {
    const quantized = { type: 'uint8', scale: [1], zeroPoint: [0] };
    const model: TfliteModel = {
      tensors: [
        { name: 'x', shape: [1, 2, 2, 3], ...quantized },
        { name: 'flat', shape: [1, 12], ...quantized },
        { name: 'y', shape: [1, 3, 1, 4], ...quantized },
      ],
      operators: [
        { op: 'RESHAPE', inputs: ['x'], outputs: ['flat'] },
        { op: 'RESHAPE', inputs: ['flat'], outputs: ['y'] },
      ],
      inputs: ['x'],
      outputs: ['flat', 'y'],
    };
    // x in NCHW, numbered in NHWC
    const x = new Tensor('uint8', Uint8Array.of(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11), [1, 3, 2, 2]);
    const { outputs } = referenceTrace(createPlan(readModel(writeTflite(model))), { x });
    expect([...outputs['flat']!.data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(outputs['y']!.dims).toEqual([1, 4, 3, 1]);
    expect([...outputs['y']!.data]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
  });
});

describe('what a signature calls inputs and outputs', () => {
  const bytes = smallTflite('int8');
  const plan = createPlan(readModel(bytes));
  const x = new Tensor('int8', new Int8Array(192), [1, 3, 8, 8]);

  it('are names to feed by, beside the tensors own', () => {
    const results = [{ image: x }, { x }].map((feeds) => referenceTrace(plan, feeds).outputs['softmax']!.data);
    expect(results[0]).toEqual(results[1]);
    expect(() => referenceTrace(plan, { x, image: x })).toThrow("input 'x' is fed twice, by two of its names");
    expect(() => referenceTrace(plan, { probabilities: x })).toThrow("no input 'probabilities'; its inputs: x");
  });

  it('are names to fetch by', () => {
    const y = new Tensor('int8', new Int8Array(10), [1, 10]);
    for (const fetched of [['probabilities'], { probabilities: null }]) {
      expect([...fetchesOf(plan, fetched, () => 'cpu')]).toEqual([['softmax', 'cpu']]);
      expect(fill({ softmax: y }, fetched, plan.graph)).toEqual({ probabilities: y });
    }
    expect(() => fetchesOf(plan, ['image'], () => 'cpu')).toThrow("no output 'image'; its outputs: softmax");
  });

  it('and a name of what is no input or output is none', () => {
    const model = smallTfliteModel('int8');
    const signature = { inputs: { a: 'conv', b: 'nothing' }, outputs: { c: 'x', probabilities: 'softmax' } };
    const read = readModel(writeTflite({ ...model, signature })).signature!;
    expect([[...read.inputs], [...read.outputs]]).toEqual([[], [['probabilities', 'softmax']]]);
  });
});

describe('what is not supported is refused by name', () => {
  const model = smallTfliteModel('int8');
  it.each([
    ['16-bit activations', changed('depthwise', { type: 'int16' }), "'depthwise' is int16: 16-bit activations"],
    ['4-bit weights', changed('w0', { type: 'int4' }), "weights 'w0' are int4"],
    ['a dynamic-range model', changed('x', { type: 'float32' }), "'x' is float32: a dynamic-range model"],
    [
      'a float model',
      changed('x', { type: 'float32' }, { ...model, tensors: model.tensors.map((one) => (one.name === 'w0' ? { ...one, type: 'float32' } : one)) }),
      "'x' is float32: a float model",
    ],
    [
      'an unknown operator',
      writeTflite({ ...model, operators: [{ op: 'LSTM', inputs: ['x'], outputs: ['conv'] }, ...model.operators.slice(1)] }),
      'operators that are not supported: LSTM; supported: CONV_2D',
    ],
    ['an activation that is no clamp', writeTflite({ ...model, operators: model.operators.map((one, i) => (i === 0 ? { ...one, options: { ...one.options, fusedActivationFunction: 4 } } : one)) }), 'the activation TANH; supported: NONE, RELU, RELU_N1_TO_1, RELU6'],
    ['zero points of int8 weights', changed('w0', { zeroPoint: [3] }), 'int8 weights with zero point 3'],
    ['one scale along another dimension', changed('conv', { axis: 3 }), "'conv' has one scale, along dimension 3"],
    ['the same of uint8 weights', changed('w1', { axis: 3 }, smallTfliteModel('uint8')), "'w1' has one scale, along dimension 3"],
    ['weights of another number of channels', changed('w0', { shape: [12, 3, 3, 1], data: new Int8Array(108) }), 'convolutions of one group'],
    ['constants that hold less', changed('b0', { shape: [13], scale: [1] }), "tensor 'b0' of int32 [13] holds 48 bytes, not 52"],
  ])('%s', (_, bytes, message) => expect(refusal(bytes)).toContain(message)); // prettier-ignore

  it('and what is cut off is no whole file', () => {
    const bytes = smallTflite('uint8');
    for (let end = 8; end < bytes.length; end += 97)
      expect(refusal(bytes.subarray(0, end)), `${end} bytes`).toMatch(/^InvalidModelError/);
  });
});
