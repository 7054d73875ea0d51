import { InvalidModelError } from '../../errors.ts';
import { elementCount, type Attributes } from '../../graph/graph.ts';
import {
  type Operation,
  type GraphBuilder,
  type Converter,
  label,
  refuse,
  operand,
  resultOf,
  isBytes,
  expectBytes,
  expectPlainScale,
  integers,
  clampOf,
  int32,
  uint8,
  steps,
  reshape,
  pick,
  transposed,
} from './operation.ts';
import type { FileTensor } from './tensors.ts';

/** [before, after] of one dimension, as SAME and VALID pad it. */
function padding(isSame: boolean, input: number, output: number, stride: number, reach: number): [number, number] {
  const total = isSame ? Math.max(0, (output - 1) * stride + reach - input) : 0;
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

interface Windowing {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** The file's: 0 SAME, 1 VALID. */
  readonly padding: number;
}

/** A window's attributes; where it lies follows from the shapes. */
function windowOf(operation: Operation, input: FileTensor, window: Windowing): Attributes {
  const { kernel, strides, dilations } = window;
  if (input.shape.length !== 4 || resultOf(operation).shape.length !== 4)
    return refuse(operation, `an input of shape [${input.shape.join(', ')}]`, 'four dimensions');
  if (![...kernel, ...strides, ...dilations].every((n) => n > 0))
    throw new InvalidModelError(`${label(operation)}: window, strides and dilations are positive`);
  const pads = [0, 1].map((axis) => {
    const reach = dilations[axis]! * (kernel[axis]! - 1) + 1;
    const size = input.shape[axis + 1]!;
    // not as the file has it: that may contradict the window
    const output = Math.ceil(size / strides[axis]!);
    return padding(window.padding === 0, size, output, strides[axis]!, reach);
  });
  if (window.padding > 1) refuse(operation, `padding ${window.padding}`, 'SAME, VALID');
  const [rows, columns] = pads as [[number, number], [number, number]];
  return {
    kernel_shape: kernel,
    strides,
    dilations,
    pads: [rows[0], columns[0], rows[1], columns[1]],
  };
}

function weightsOf(operation: Operation, rank: number, zeroAllowed: boolean): FileTensor {
  const weights = operand(operation, 1);
  const { name, type, shape, bytes, quantization } = weights;
  if (!bytes) return refuse(operation, `weights '${name}' are computed`, 'constant weights');
  if (!isBytes(weights)) return refuse(operation, `weights '${name}' are ${type}`, 'uint8, int8');
  if (shape.length !== rank) refuse(operation, `weights of shape [${shape.join(', ')}]`, `${rank} dimensions`);
  if (!quantization) throw new InvalidModelError(`${label(operation)}: nothing says how '${name}' is quantized`);
  // of int8 weights it takes any
  if (type === 'uint8') expectPlainScale(operation, weights);
  if (!zeroAllowed && quantization.zeroPoint.some((zero) => zero !== 0))
    refuse(operation, `int8 weights with zero point ${quantization.zeroPoint.find((zero) => zero !== 0)}`, '0');
  return weights;
}

/** Operands of a convolution or fully connected layer: input, weights, bias. */
function linearOperands(
  operation: Operation,
  builder: GraphBuilder,
  input: FileTensor,
  weightRank: number,
  order: readonly number[],
): string[] {
  const bytes = operation.inputs[1];
  expectBytes(operation, [input], bytes);
  const weights = weightsOf(operation, weightRank, input.type === 'uint8');
  if (weights.type !== input.type || resultOf(operation).type !== input.type)
    refuse(operation, `${input.type} inputs, ${weights.type} weights, ${resultOf(operation).type} outputs`, 'one type');
  const bias = operation.inputs[2];
  if (bias && !bias.bytes) refuse(operation, `bias '${bias.name}' is computed`, 'constant biases');
  if (bias && bias.type !== 'int32') refuse(operation, `bias '${bias.name}' is ${bias.type}`, 'int32');
  return [builder.activation(input), builder.constant(weights, order), ...(bias ? [builder.constant(bias)] : [])];
}

export const conv: Converter = (operation, builder) => {
  const [input, weights] = [operand(operation, 0), operand(operation, 1)];
  const inputs = linearOperands(operation, builder, input, 4, [0, 3, 1, 2]);
  if (weights.shape[3] !== input.shape[3])
    refuse(operation, `weights for ${weights.shape[3]} of ${input.shape[3]} channels`, 'convolutions of one group');
  builder.node('Conv', inputs, resultOf(operation), {
    ...windowOf(operation, input, {
      kernel: [weights.shape[1]!, weights.shape[2]!],
      strides: [int32(operation, 2), int32(operation, 1)],
      dilations: [int32(operation, 5, 1), int32(operation, 4, 1)],
      padding: uint8(operation, 0),
    }),
    ...clampOf(operation, uint8(operation, 3)),
  });
};

export const depthwise: Converter = (operation, builder) => {
  const [input, weights] = [operand(operation, 0), operand(operation, 1)];
  const inputs = linearOperands(operation, builder, input, 4, [3, 0, 1, 2]);
  if (weights.shape[0] !== 1) refuse(operation, `weights of shape [${weights.shape.join(', ')}]`, 'one at first');
  builder.node('Conv', inputs, resultOf(operation), {
    ...windowOf(operation, input, {
      kernel: [weights.shape[1]!, weights.shape[2]!],
      strides: [int32(operation, 2), int32(operation, 1)],
      dilations: [int32(operation, 6, 1), int32(operation, 5, 1)],
      padding: uint8(operation, 0),
    }),
    group: input.shape[3]!,
    depthwise: 1,
    ...clampOf(operation, uint8(operation, 4)),
  });
};

/**
 * TRANSPOSE_CONV: a convolution with the weights turned by half a turn, over an input with its zero point between the pixels and
 * around them.
 */
export const transposeConv: Converter = (operation, builder) => {
  const [weights, input, output] = [operand(operation, 1), operand(operation, 2), resultOf(operation)];
  if (input.shape.length !== 4 || output.shape.length !== 4 || weights.shape.length !== 4)
    refuse(operation, `an input of shape [${input.shape.join(', ')}]`, 'four dimensions');
  const strides = [int32(operation, 2), int32(operation, 1)];
  if (!strides.every((stride) => stride > 0)) throw new InvalidModelError(`${label(operation)}: strides are positive`);
  const sizes = integers(operation, 0);
  expectBytes(operation, [input], weights);
  const spread = [1, 2].map((axis) => {
    const [stride, kernel, size, length] = [strides[axis - 1]!, weights.shape[axis]!, input.shape[axis]!, sizes[axis]!];
    const before = padding(uint8(operation, 0) === 0, length, size, stride, kernel)[0];
    return steps(operation, before - kernel + 1, before + length, 1).map((at) =>
      at >= 0 && at % stride === 0 && at / stride < size ? at / stride : -1,
    );
  }) as [number[], number[]];
  const all = (axis: number): number[] => steps(operation, 0, input.shape[axis]!, 1);
  const wide = builder.between(input, [input.shape[0]!, spread[0].length, spread[1].length, input.shape[3]!]);
  pick(builder, input, wide, [all(0), spread[0], spread[1], all(3)], input.quantization!.zeroPoint[0]!);
  const turned = turnedWeights(builder, weights);
  const operands = linearOperands(
    { ...operation, inputs: [wide, turned, operation.inputs[3]] },
    builder,
    wide,
    4,
    [0, 3, 1, 2],
  );
  builder.node('Conv', operands, output, {
    kernel_shape: weights.shape.slice(1, 3),
    transposed: 1,
    ...clampOf(operation, uint8(operation, 3)),
  });
};

/** Weights with their rows and columns the other way round. */
function turnedWeights(builder: GraphBuilder, weights: FileTensor): FileTensor {
  const { bytes, shape } = weights;
  if (!bytes || bytes.length !== elementCount(shape)) return weights;
  const [outputs, height, width, inputs] = shape as [number, number, number, number];
  const plane = height * width;
  const turned = new Uint8Array(bytes.length);
  for (let o = 0; o < outputs; o++)
    for (let at = 0; at < plane; at++)
      for (let i = 0; i < inputs; i++)
        turned[(o * plane + (plane - 1 - at)) * inputs + i] = bytes[(o * plane + at) * inputs + i]!;
  return { ...builder.between(weights, shape), bytes: turned };
}

export const fullyConnected: Converter = (operation, builder) => {
  const [input, weights, output] = [operand(operation, 0), operand(operation, 1), resultOf(operation)];
  if (uint8(operation, 1) !== 0) refuse(operation, 'shuffled weights', 'weights in their order');
  const [outputs = 0, inputs = 0] = weights.shape;
  const rows = elementCount(input.shape) / inputs;
  const isFlat = input.shape.length === 2 && input.shape[1] === inputs;
  if (!Number.isInteger(rows))
    throw new InvalidModelError(`${label(operation)}: [${input.shape.join(', ')}] and weights for ${inputs}`);
  const flat = isFlat ? input : builder.between(input, [rows, inputs]);
  if (!isFlat) reshape(builder, input, flat, [-1, inputs]);
  const operands = linearOperands(operation, builder, flat, 2, [0, 1]);
  const product = output.shape.length === 2 ? output : builder.between(output, [rows, outputs]);
  builder.node('Gemm', operands, product, { transB: 1, ...clampOf(operation, uint8(operation, 0)) });
  if (product !== output) reshape(builder, product, output, [-1, ...output.shape.slice(1)]);
};

/** A tensor as [images, rows, columns]. */
function asMatrices(builder: GraphBuilder, tensor: FileTensor): FileTensor {
  const { shape, bytes } = tensor;
  if (shape.length === 3) return tensor;
  const flat = builder.between(tensor, [elementCount(shape.slice(0, -2)), ...shape.slice(-2)]);
  return bytes ? { ...flat, bytes } : flat;
}

/** BATCH_MATMUL, of matrices in order: those of more dimensions are in one row. */
export const batchMatMul: Converter = (operation, builder) => {
  const output = resultOf(operation);
  const operands = [operand(operation, 0), operand(operation, 1)] as const;
  expectBytes(operation, operands);
  if ([...operands, output].some(({ type }) => type !== 'int8')) refuse(operation, 'uint8 tensors', 'int8');
  if (operands.some(({ shape }) => shape.length < 2) || output.shape.length < 2)
    refuse(operation, 'operands of less than two dimensions', 'matrices');
  const names = operands.map((tensor, index) => {
    const flat = asMatrices(builder, tensor);
    if (flat !== tensor && !tensor.bytes) reshape(builder, tensor, flat, [-1, ...flat.shape.slice(1)]);
    if (uint8(operation, index) === 0) return builder.activation(flat);
    const [images, rows, columns] = flat.shape as [number, number, number];
    const turned = builder.between(tensor, [images, columns, rows]);
    transposed(builder, flat, turned, [0, 2, 1]);
    return turned.name;
  });
  const product = asMatrices(builder, output);
  builder.node('BatchMatMul', names, product);
  if (product !== output) reshape(builder, product, output, [-1, ...output.shape.slice(1)]);
};

export const poolWindow = (operation: Operation, input: FileTensor): Attributes =>
  windowOf(operation, input, {
    kernel: [int32(operation, 4), int32(operation, 3)],
    strides: [int32(operation, 2), int32(operation, 1)],
    dilations: [1, 1],
    padding: uint8(operation, 0),
  });
