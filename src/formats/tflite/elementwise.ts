import type { Attributes } from '../../graph/graph.ts';
import {
  type Operation,
  type GraphBuilder,
  type Converter,
  refuse,
  operand,
  resultOf,
  isBytes,
  expectBytes,
  clampOf,
  uint8,
  reshape,
  pick,
} from './operation.ts';
import { ACTIVATIONS } from './schema.ts';
import type { FileTensor } from './tensors.ts';

/** An element-wise operator of two tensors; those with options have an activation. */
export const pair =
  (op: string, activates = true): Converter =>
  (operation, builder) => {
    const inputs = [operand(operation, 0), operand(operation, 1)];
    expectBytes(operation, inputs);
    const output = resultOf(operation);
    const clamp = activates ? clampOf(operation, uint8(operation, 0)) : {};
    const isOneShape = inputs.every(({ shape }) => shape.join() === inputs[0]!.shape.join());
    const names = inputs.map((tensor) => builder.activation(isOneShape ? tensor : expanded(builder, tensor, output)));
    const [a_shape, b_shape] = inputs.map(({ shape }) => shape) as [readonly number[], readonly number[]];
    builder.node(op, names, output, { ...clamp, ...(isOneShape ? {} : { a_shape, b_shape }) } as Attributes);
  };

/** A tensor, repeated to the shape of the output. */
function expanded(builder: GraphBuilder, tensor: FileTensor, output: FileTensor): FileTensor {
  const { shape } = output;
  const full = [...shape.slice(tensor.shape.length).map(() => 1), ...tensor.shape];
  const isFull = full.length === tensor.shape.length;
  const ranked = isFull ? tensor : builder.between(tensor, full);
  if (!isFull) reshape(builder, tensor, ranked, [-1, ...full.slice(1)]);
  if (full.join() === shape.join()) return ranked;
  const result = builder.between(tensor, shape);
  pick(
    builder,
    ranked,
    result,
    shape.map((length, axis) => Array.from({ length }, (_, i) => (full[axis] === 1 ? 0 : i))),
  );
  return result;
}

export const quantize: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  const isReal = input.type === 'float32';
  expectBytes(operation, isReal ? [] : [input]);
  builder.node(isReal ? 'QuantizeLinear' : 'Requantize', [builder.activation(input)], resultOf(operation));
};

export const dequantize: Converter = (operation, builder) => {
  const [input, output] = [operand(operation, 0), resultOf(operation)];
  if (output.type !== 'float32') refuse(operation, `'${output.name}' is ${output.type}`, 'float32');
  if (!isBytes(input) || !input.quantization)
    refuse(operation, `'${input.name}' is ${input.type}`, 'quantized uint8 and int8');
  builder.node('DequantizeLinear', [builder.activation(input)], output);
};

/** An element-wise operator of one tensor. */
export const unary =
  (op: string, attributesOf: (operation: Operation) => Attributes = () => ({})): Converter =>
  (operation, builder) => {
    const input = operand(operation, 0);
    expectBytes(operation, [input]);
    builder.node(op, [builder.activation(input)], resultOf(operation), attributesOf(operation));
  };

/** RELU and its like are clamps behind a rescale. */
export const relu = (activation: string): Converter => {
  const number = ACTIVATIONS.findIndex(([name]) => name === activation);
  return unary('Relu', (operation) => clampOf(operation, number) as Attributes);
};
