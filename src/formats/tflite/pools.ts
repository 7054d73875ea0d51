import { InvalidModelError } from '../../errors.ts';
import { elementCount, type Attributes } from '../../graph/graph.ts';
import { poolWindow } from './linear.ts';
import {
  type Operation,
  type GraphBuilder,
  type Converter,
  label,
  operand,
  resultOf,
  expectBytes,
  integers,
  clampOf,
  uint8,
  reshape,
  transposed,
} from './operation.ts';
import type { FileTensor } from './tensors.ts';

export const averagePool: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  builder.node('AveragePool', [builder.activation(input)], resultOf(operation), {
    ...poolWindow(operation, input),
    ...clampOf(operation, uint8(operation, 5)),
  });
};

/** The axes that an operator reduces, as the file counts them, in order. */
function axesOf(operation: Operation, rank: number): number[] {
  const axes = integers(operation, 1).map((axis) => (axis < 0 ? axis + rank : axis));
  if (axes.some((axis) => axis < 0 || axis >= rank))
    throw new InvalidModelError(`${label(operation)}: axes [${axes.join(', ')}] of ${rank} dimensions`);
  return [...new Set(axes)].sort((a, b) => a - b);
}

/** A reduction of height and width, which others are made to be by moves. */
type Reduction = (
  operation: Operation,
  builder: GraphBuilder,
  input: FileTensor,
  output: FileTensor,
  keeps: boolean,
) => void;

export const reduction =
  (reduce: Reduction): Converter =>
  (operation, builder) => {
    const [input, output] = [operand(operation, 0), resultOf(operation)];
    expectBytes(operation, [input]);
    const rank = input.shape.length;
    const axes = axesOf(operation, rank);
    if (rank === 4 && axes.join() === '1,2')
      return reduce(operation, builder, input, output, uint8(operation, 0) !== 0);
    const kept = input.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
    const order = [...kept.slice(0, -1), ...axes, ...kept.slice(-1)];
    const isInOrder = order.every((axis, i) => axis === i);
    const moved = isInOrder
      ? input
      : builder.between(
          input,
          order.map((axis) => input.shape[axis]!),
        );
    if (!isInOrder) transposed(builder, input, moved, order);
    const size = (of: readonly number[]): number => elementCount(of.map((axis) => input.shape[axis]!));
    const [rows, channels] = [size(kept.slice(0, -1)), size(kept.slice(-1))];
    const image = builder.between(input, [rows, size(axes), 1, channels]);
    reshape(builder, moved, image, [rows, ...image.shape.slice(1)]);
    const reduced = builder.between(output, [rows, channels]);
    reduce(operation, builder, image, reduced, false);
    reshape(builder, reduced, output, output.shape);
  };

export const ofSums =
  (op: string): Reduction =>
  (operation, builder, input, output, keeps) => {
    const folded = Number(input !== operand(operation, 0));
    builder.node(op, [builder.activation(input)], output, { axes: [2, 3], keepdims: Number(keeps), folded });
  };

/** The largest of a plane is a pool; the smallest is the complement of the largest complement. */
export const ofLargest =
  (isSmallest: boolean): Reduction =>
  (_, builder, input, output) => {
    const between = (like: FileTensor, shape = like.shape): FileTensor => builder.between(like, shape);
    const from = isSmallest ? between(input) : input;
    if (isSmallest) builder.node('Complement', [builder.activation(input)], from);
    const largest = between(output, [input.shape[0]!, 1, 1, input.shape[3]!]);
    builder.node('MaxPool', [builder.activation(from)], largest, { kernel_shape: input.shape.slice(1, 3) });
    const found = isSmallest ? between(largest) : largest;
    if (isSmallest) builder.node('Complement', [builder.activation(largest)], found);
    reshape(builder, found, output, output.shape);
  };

export const softmax: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  const beta = operation.options?.float32(0) ?? 0;
  builder.node('Softmax', [builder.activation(input)], resultOf(operation), { beta });
};

/** MAX_POOL_2D; its activation is a clamp of its own. */
export const maxPool: Converter = (operation, builder) => {
  const [input, output] = [operand(operation, 0), resultOf(operation)];
  expectBytes(operation, [input]);
  const clamp = clampOf(operation, uint8(operation, 5));
  const largest = 'clamp' in clamp ? builder.between(output, output.shape) : output;
  builder.node('MaxPool', [builder.activation(input)], largest, poolWindow(operation, input));
  if (largest !== output) builder.node('Relu', [builder.activation(largest)], output, clamp as Attributes);
};
