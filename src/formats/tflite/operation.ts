import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import { isByteType, type Attributes, type ElementType } from '../../graph/graph.ts';
import type { Table } from './flatbuffer.ts';
import { ACTIVATIONS } from './schema.ts';
import { axisInGraph, toNchw, valuesOf, type FileTensor } from './tensors.ts';

/** An operator as the file has it. */
export interface Operation {
  /** CONV_2D, ... */
  readonly name: string;
  /** undefined where an optional one is left out. */
  readonly inputs: readonly (FileTensor | undefined)[];
  readonly outputs: readonly FileTensor[];
  readonly options?: Table | undefined;
}

/** What converters make a graph with. */
export interface GraphBuilder {
  /** The name in the graph of a tensor that is computed, or of its constant, channels behind the batch. */
  activation(tensor: FileTensor): string;
  /**
   * The name of a constant in the graph.
   *
   * @param order of its axes in the graph, by their number in the file
   */
  constant(tensor: FileTensor, order?: readonly number[]): string;
  /** The name of a constant that the file does not have. */
  integers(like: string, values: readonly number[]): string;
  /** A tensor that the file does not have, quantized as another one. */
  between(like: FileTensor, shape: readonly number[]): FileTensor;
  node(op: string, inputs: readonly string[], output: FileTensor, attributes?: Attributes): void;
}

export type Converter = (operation: Operation, builder: GraphBuilder) => void;

export const label = ({ name, outputs }: Operation): string => `${name} '${outputs[0]?.name ?? ''}'`;

export function refuse(operation: Operation, got: string, supported: string): never {
  throw new UnsupportedModelError(`${label(operation)}: ${got}; supported: ${supported}`);
}

export function operand(operation: Operation, index: number): FileTensor {
  const tensor = operation.inputs[index];
  if (!tensor) throw new InvalidModelError(`${label(operation)} has no operand ${index}`);
  return tensor;
}

export function resultOf(operation: Operation): FileTensor {
  const { outputs } = operation;
  if (outputs.length !== 1)
    throw new InvalidModelError(`${label(operation)} has ${outputs.length} outputs; 1 is expected`);
  return outputs[0]!;
}

export const isBytes = ({ type }: FileTensor): boolean => isByteType(type as ElementType);

/** What the types of a tensor that ought to have 8 bits say of the model. */
function kindOfModel({ type }: FileTensor, weights: FileTensor | undefined): string {
  if (type === 'float32' && weights && weights.type !== 'float32') return 'a dynamic-range model';
  if (type === 'float32' || type === 'float16') return 'a float model, or a part of one';
  return type === 'int16' ? '16-bit activations' : 'another kind of model';
}

/** XNNPACK takes no operator on a tensor of one scale that is said to be along another dimension than the first. */
export function expectPlainScale(operation: Operation, { name, quantization, dimension }: FileTensor): void {
  if (quantization?.scale.length === 1 && dimension !== 0)
    refuse(
      operation,
      `'${name}' has one scale, along dimension ${dimension}`,
      'along dimension 0, as converters write it',
    );
}

/** @throws UnsupportedModelError where an operand or the output has not 8 bits, or nothing says how they are quantized */
export function expectBytes(operation: Operation, tensors: readonly FileTensor[], weights?: FileTensor): void {
  for (const tensor of [...tensors, ...operation.outputs]) {
    if (!isBytes(tensor))
      refuse(
        operation,
        `'${tensor.name}' is ${tensor.type}: ${kindOfModel(tensor, weights)}`,
        'uint8 and int8 activations, between QUANTIZE and DEQUANTIZE where a model takes or gives float32',
      );
    if (!tensor.quantization)
      throw new InvalidModelError(`${label(operation)}: nothing says how '${tensor.name}' is quantized`);
    expectPlainScale(operation, tensor);
  }
}

/** A constant operand of int32 or int64. */
export function integers(operation: Operation, index: number): number[] {
  const tensor = operand(operation, index);
  if (!tensor.bytes) refuse(operation, `'${tensor.name}' is computed`, 'constants there');
  if (tensor.type !== 'int32' && tensor.type !== 'int64')
    refuse(operation, `'${tensor.name}' is ${tensor.type}`, 'int32, int64');
  return Array.from(valuesOf(tensor) as BigInt64Array, Number);
}

/** Half away from zero, as C's round. */
export const round = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);

/** What an activation leaves of the output's values: [least, most]. */
export function clampOf(operation: Operation, activation: number): { readonly clamp?: readonly number[] } {
  const [name, limits] = ACTIVATIONS[activation] ?? [`number ${activation}`];
  if (!limits)
    return refuse(
      operation,
      `the activation ${name}`,
      ACTIVATIONS.flatMap(([known, range]) => (range ? [known] : [])).join(', '),
    );
  if (!limits.some(Number.isFinite)) return {};
  const { quantization, type } = resultOf(operation);
  const [least, most] = type === 'uint8' ? [0, 255] : [-128, 127];
  const [scale, zero] = [quantization!.scale[0]!, quantization!.zeroPoint[0]!];
  const values = limits.map((limit) => zero + round(Math.fround(limit / scale)));
  return { clamp: [Math.max(least, values[0]!), Math.min(most, values[1]!)] };
}

/** Fields of an operator's options, with what they are where the file has none of them. */
export const int32 = ({ options }: Operation, field: number, fallback = 0): number =>
  options ? options.int32(field, fallback) : fallback;
export const uint8 = ({ options }: Operation, field: number): number => options?.uint8(field) ?? 0;

/** The same elements, counted as the file counts them, in another shape; the first dimension follows from the others. */
export function reshape(builder: GraphBuilder, input: FileTensor, output: FileTensor, shape: readonly number[]): void {
  const target = builder.integers(`${output.name}.shape`, toNchw(shape));
  builder.node('Reshape', [builder.activation(input), target], output, { channels_last: 1 });
}

/** A tensor whose axes, as the file counts them, are made of listed indices of the input's; -1: `value`. */
export function pick(
  builder: GraphBuilder,
  input: FileTensor,
  output: FileTensor,
  picks: readonly (readonly number[])[],
  value = 0,
): void {
  const rank = input.shape.length;
  const whole = (axis: number): boolean =>
    picks[axis]!.length === input.shape[axis] && picks[axis]!.every((from, i) => from === i);
  const lists = picks.flatMap((indices, axis) =>
    whole(axis) ? [] : [[`indices_${axisInGraph(axis, rank)}`, indices] as const],
  );
  builder.node('Pick', [builder.activation(input)], output, { ...Object.fromEntries(lists), value });
}

const MOST_LENGTH = 2 ** 22;

/** Indices from `first` on, before `end`, in steps. */
export function steps(operation: Operation, first: number, end: number, step: number): number[] {
  const count = Math.max(0, Math.ceil((end - first) / step));
  if (!Number.isInteger(count) || count > MOST_LENGTH) refuse(operation, `${count} indices`, `up to ${MOST_LENGTH}`);
  return Array.from({ length: count }, (_, i) => first + i * step);
}

/** Axis i of the output is axis order[i] of the input, as the file counts them. */
export function transposed(
  builder: GraphBuilder,
  input: FileTensor,
  output: FileTensor,
  order: readonly number[],
): void {
  const rank = input.shape.length;
  const perm: number[] = [];
  for (const [axis, from] of order.entries()) perm[axisInGraph(axis, rank)] = axisInGraph(from, rank);
  builder.node('Transpose', [builder.activation(input)], output, { perm });
}
