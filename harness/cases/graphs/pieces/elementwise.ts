import type { OnnxAttribute } from '../../../../models/onnx_writer.ts';
import { bytesWith, ofBytes, ofReal, operandsOf } from '../builder.ts';
import { sameType } from './linear.ts';

/** Operators of one tensor; Clip's bounds lie in the range of the bytes or out of it. */
export const activation = ofReal((builder, { name: x, shape }) => {
  const { random } = builder;
  const op = random.pick([
    'Relu',
    'Relu',
    'Clip',
    'Clip',
    'LeakyRelu',
    'PRelu',
    'Sigmoid',
    'HardSigmoid',
    'HardSwish',
    'Softmax',
    'Tanh',
    'Erf',
    'Abs',
    'Neg',
  ]);
  const constant = (value: number, dims?: readonly number[]): string =>
    builder.constant('c', Float32Array.of(value), dims);
  const more: string[] = [];
  const attributes: Record<string, OnnxAttribute> = {};
  if (op === 'Clip') {
    const bounds = [random.pick([0, 0, -1, -100]), random.pick([6, 1, 100])];
    more.push(...bounds.map((bound) => constant(bound)));
  }
  if (op === 'Softmax') attributes['axis'] = random.pick([1, 1, -1]);
  if (op === 'LeakyRelu') attributes['alpha'] = { float: Math.fround(random.unit()) };
  if (op === 'PRelu' && shape.length === 4 && random.chance(0.5)) {
    const slopes = Float32Array.from({ length: shape[1]! }, () => random.unit() * 1.5 - 0.5);
    more.push(builder.constant('c', slopes, [shape[1]!, 1, 1]));
  } else if (op === 'PRelu') more.push(constant(random.unit() * 1.5 - 0.5, [[], [1], [1, 1]][random.integer(0, 2)]));
  if (op !== 'HardSwish') return { name: builder.node(op, [x, ...more], attributes), shape };
  // which came with operator set 14
  const hard = builder.node('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
  return { name: builder.node('Mul', [x, hard]), shape };
});

export const qlinearActivation = ofBytes((builder, x) => {
  const { random } = builder;
  const output = sameType(builder, x.quantization);
  const inputs = [...operandsOf(x), output.scale, output.zeroPoint];
  const [op, attributes] = random.pick<readonly [string, Record<string, OnnxAttribute>]>([
    ['QLinearSigmoid', {}],
    ['QLinearLeakyRelu', { alpha: { float: Math.fround(random.unit()) } }],
    ['QLinearSoftmax', { axis: 1, opset: 13 }],
  ]);
  return bytesWith(builder.node(op, inputs, attributes, 'com.microsoft'), x.shape, output);
});
