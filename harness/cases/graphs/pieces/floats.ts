import type { OnnxAttribute } from '../../../../models/onnx_writer.ts';
import { elementCount } from '../../../../src/graph/graph.ts';
import { isImage, ofReal, type Builder, type Value } from '../builder.ts';

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** Functions of one float32 tensor with attributes of any size; rows of a Softmax along any axis. */
export const floatFunction = ofReal((builder, { name, shape }) => {
  const { random } = builder;
  const float = (least: number, most: number) => ({ float: Math.fround(least + (most - least) * random.unit()) });
  const axis = random.integer(-shape.length, shape.length - 1);
  const [op, attributes] = random.pick<readonly [string, Attributes]>([
    ['Sqrt', {}],
    ['Reciprocal', {}],
    ['Neg', {}],
    ['Abs', {}],
    ['Relu', {}],
    ['Erf', {}],
    ['Tanh', {}],
    ['Sigmoid', {}],
    ['Sigmoid', {}],
    ['HardSwish', {}],
    ['HardSigmoid', { alpha: float(-1, 1), beta: float(-1, 1) }],
    ['LeakyRelu', { alpha: float(-1, 2) }],
    ['Softmax', { axis }],
    ['Softmax', { axis }],
  ]);
  return { name: builder.node(op, [name], attributes), shape };
});

/** x times a function of it. */
export const gate = ofReal((builder, { name, shape }) => {
  const { random } = builder;
  const op = random.pick(['Sigmoid', 'Sigmoid', 'HardSigmoid', 'Tanh']);
  const factor = builder.node(op, [name]);
  return { name: builder.node('Mul', random.chance(0.5) ? [name, factor] : [factor, name]), shape };
});

/** x (1 + erf(x / sqrt 2)) / 2, as exporters write it. */
export const gelu = ofReal((builder, { name, shape }) => {
  const { random } = builder;
  const number = (value: number): string => builder.constant('c', Float32Array.of(value));
  const either = (a: string, b: string): string[] => (random.chance(0.5) ? [a, b] : [b, a]);
  const scaled = random.chance(0.7)
    ? builder.node('Div', [name, number(Math.SQRT2)])
    : builder.node('Mul', either(name, number(Math.SQRT1_2)));
  const sum = builder.node('Add', either(builder.node('Erf', [scaled]), number(1)));
  const half = number(0.5);
  const product = random.chance(0.5)
    ? builder.node('Mul', either(builder.node('Mul', either(name, sum)), half))
    : builder.node('Mul', either(builder.node('Mul', either(name, half)), sum));
  return { name: product, shape };
});

/** Add, Sub, Mul and Div of two tensors, one of which may be stretched, or a constant of a shape that is. */
export const floatPair = ofReal((builder, a) => {
  const { random } = builder;
  const op = random.pick(['Add', 'Sub', 'Mul', 'Mul', 'Div']);
  const b = random.chance(0.5) ? constant(builder, a) : partner(builder, a);
  return { name: builder.node(op, random.chance(0.5) ? [a.name, b] : [b, a.name]), shape: a.shape };
});

function partner(builder: Builder, a: Value): string {
  const isStretched = ({ shape }: Value): boolean =>
    shape.length === a.shape.length && shape.every((d, axis) => d === 1 || d === a.shape[axis]);
  return (builder.random.chance(0.1) ? a : (builder.real(isStretched) ?? a)).name;
}

function constant(builder: Builder, { shape }: Value): string {
  const { random } = builder;
  const [channels, last] = [shape[1]!, shape.at(-1)!];
  const dims = random.pick<readonly number[]>(
    isImage({ shape } as Value)
      ? [[], [1], [channels, 1, 1], [1, channels, 1, 1], [last], shape.slice(1), shape]
      : [[], [1], [last], shape],
  );
  const size = random.scale(0.01, 100);
  const values = Float32Array.from({ length: elementCount(dims) }, () =>
    random.chance(0.05) ? random.pick([0, -0, 1, -1, 2]) : (random.unit() - 0.5) * size,
  );
  return builder.constant('c', values, dims);
}

/** An image's mean or largest value a channel, which stretches over it again. */
export const squeeze = ofReal((builder, { name, shape }) => {
  const op = builder.random.pick(['GlobalAveragePool', 'GlobalAveragePool', 'ReduceMean']);
  const attributes: Attributes = op === 'ReduceMean' ? { axes: [2, 3] } : {};
  return { name: builder.node(op, [name], attributes), shape: [...shape.slice(0, 2), 1, 1] };
}, isImage);
