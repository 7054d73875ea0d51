import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import { elementCount, isByteType, type Attributes, type ElementType } from '../../graph/graph.ts';
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

type Converter = (operation: Operation, builder: GraphBuilder) => void;

const label = ({ name, outputs }: Operation): string => `${name} '${outputs[0]?.name ?? ''}'`;

function refuse(operation: Operation, got: string, supported: string): never {
  throw new UnsupportedModelError(`${label(operation)}: ${got}; supported: ${supported}`);
}

function operand(operation: Operation, index: number): FileTensor {
  const tensor = operation.inputs[index];
  if (!tensor) throw new InvalidModelError(`${label(operation)} has no operand ${index}`);
  return tensor;
}

function resultOf(operation: Operation): FileTensor {
  const { outputs } = operation;
  if (outputs.length !== 1)
    throw new InvalidModelError(`${label(operation)} has ${outputs.length} outputs; 1 is expected`);
  return outputs[0]!;
}

const isBytes = ({ type }: FileTensor): boolean => isByteType(type as ElementType);

/** What the types of a tensor that ought to have 8 bits say of the model. */
function kindOfModel({ type }: FileTensor, weights: FileTensor | undefined): string {
  if (type === 'float32' && weights && weights.type !== 'float32') return 'a dynamic-range model';
  if (type === 'float32' || type === 'float16') return 'a float model, or a part of one';
  return type === 'int16' ? '16-bit activations' : 'another kind of model';
}

/** @throws UnsupportedModelError where an operand or the output has not 8 bits, or nothing says how they are quantized */
function expectBytes(operation: Operation, tensors: readonly FileTensor[], weights?: FileTensor): void {
  for (const tensor of [...tensors, ...operation.outputs]) {
    if (!isBytes(tensor))
      refuse(
        operation,
        `'${tensor.name}' is ${tensor.type}: ${kindOfModel(tensor, weights)}`,
        'uint8 and int8 activations, between QUANTIZE and DEQUANTIZE where a model takes or gives float32',
      );
    if (!tensor.quantization)
      throw new InvalidModelError(`${label(operation)}: nothing says how '${tensor.name}' is quantized`);
  }
}

/** A constant operand of int32 or int64. */
function integers(operation: Operation, index: number): number[] {
  const tensor = operand(operation, index);
  if (!tensor.bytes) refuse(operation, `'${tensor.name}' is computed`, 'constants there');
  if (tensor.type !== 'int32' && tensor.type !== 'int64')
    refuse(operation, `'${tensor.name}' is ${tensor.type}`, 'int32, int64');
  return Array.from(valuesOf(tensor) as BigInt64Array, Number);
}

/** Half away from zero, as C's round. */
const round = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);

/** What an activation leaves of the output's values: [least, most]. */
function clampOf(operation: Operation, activation: number): { readonly clamp?: readonly number[] } {
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

/** Fields of an operator's options, with what they are where the file has none of them. */
const int32 = ({ options }: Operation, field: number, fallback = 0): number =>
  options ? options.int32(field, fallback) : fallback;
const uint8 = ({ options }: Operation, field: number): number => options?.uint8(field) ?? 0;

function weightsOf(operation: Operation, rank: number, zeroAllowed: boolean): FileTensor {
  const weights = operand(operation, 1);
  const { name, type, shape, bytes, quantization } = weights;
  if (!bytes) return refuse(operation, `weights '${name}' are computed`, 'constant weights');
  if (!isBytes(weights)) return refuse(operation, `weights '${name}' are ${type}`, 'uint8, int8');
  if (shape.length !== rank) refuse(operation, `weights of shape [${shape.join(', ')}]`, `${rank} dimensions`);
  if (!quantization) throw new InvalidModelError(`${label(operation)}: nothing says how '${name}' is quantized`);
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

const conv: Converter = (operation, builder) => {
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

const depthwise: Converter = (operation, builder) => {
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

/** The same elements, counted as the file counts them, in another shape; the first dimension follows from the others. */
function reshape(builder: GraphBuilder, input: FileTensor, output: FileTensor, shape: readonly number[]): void {
  const target = builder.integers(`${output.name}.shape`, toNchw(shape));
  builder.node('Reshape', [builder.activation(input), target], output, { channels_last: 1 });
}

const fullyConnected: Converter = (operation, builder) => {
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

/** An element-wise operator of two tensors; those with options have an activation. */
const pair =
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

const poolWindow = (operation: Operation, input: FileTensor): Attributes =>
  windowOf(operation, input, {
    kernel: [int32(operation, 4), int32(operation, 3)],
    strides: [int32(operation, 2), int32(operation, 1)],
    dilations: [1, 1],
    padding: uint8(operation, 0),
  });

const averagePool: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  builder.node('AveragePool', [builder.activation(input)], resultOf(operation), {
    ...poolWindow(operation, input),
    ...clampOf(operation, uint8(operation, 5)),
  });
};

const mean: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  const rank = input.shape.length;
  const axes = integers(operation, 1).map((axis) => (axis < 0 ? axis + rank : axis));
  if (axes.some((axis) => axis < 0 || axis >= rank))
    throw new InvalidModelError(`${label(operation)}: axes [${axes.join(', ')}] of ${rank} dimensions`);
  builder.node('ReduceMean', [builder.activation(input)], resultOf(operation), {
    axes: [...new Set(axes)].map((axis) => axisInGraph(axis, rank)).sort(),
    keepdims: uint8(operation, 0),
  });
};

/** RESHAPE, SQUEEZE, EXPAND_DIMS: what shape it is, the file says of the output. */
const reshaping: Converter = (operation, builder) => {
  const [input, output] = [operand(operation, 0), resultOf(operation)];
  expectBytes(operation, [input]);
  const open = output.openBatch ? [-1, ...output.shape.slice(1)] : output.shape;
  reshape(builder, input, output, open);
};

const softmax: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  const beta = operation.options?.float32(0) ?? 0;
  builder.node('Softmax', [builder.activation(input)], resultOf(operation), { beta });
};

const quantize: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  const isReal = input.type === 'float32';
  expectBytes(operation, isReal ? [] : [input]);
  builder.node(isReal ? 'QuantizeLinear' : 'Requantize', [builder.activation(input)], resultOf(operation));
};

const dequantize: Converter = (operation, builder) => {
  const [input, output] = [operand(operation, 0), resultOf(operation)];
  if (output.type !== 'float32') refuse(operation, `'${output.name}' is ${output.type}`, 'float32');
  if (!isBytes(input) || !input.quantization)
    refuse(operation, `'${input.name}' is ${input.type}`, 'quantized uint8 and int8');
  builder.node('DequantizeLinear', [builder.activation(input)], output);
};

/** PAD: with the zero point, so with 0 as a real number. */
const pad: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  const given = integers(operation, 1);
  const rank = input.shape.length;
  if (given.length !== 2 * rank || given.some((n) => n < 0))
    throw new InvalidModelError(`${label(operation)}: paddings [${given.join(', ')}] of ${rank} dimensions`);
  const before = toNchw(input.shape.map((_, axis) => given[2 * axis]!));
  const after = toNchw(input.shape.map((_, axis) => given[2 * axis + 1]!));
  builder.node('Pad', [builder.activation(input)], resultOf(operation), {
    pads: [...before, ...after],
    value: input.quantization!.zeroPoint[0]!,
  });
};

/** An element-wise operator of one tensor. */
const unary =
  (op: string, attributesOf: (operation: Operation) => Attributes = () => ({})): Converter =>
  (operation, builder) => {
    const input = operand(operation, 0);
    expectBytes(operation, [input]);
    builder.node(op, [builder.activation(input)], resultOf(operation), attributesOf(operation));
  };

/** RELU and its like are clamps behind a rescale. */
const relu = (activation: string): Converter => {
  const number = ACTIVATIONS.findIndex(([name]) => name === activation);
  return unary('Relu', (operation) => clampOf(operation, number) as Attributes);
};

/** MAX_POOL_2D; its activation is a clamp of its own. */
const maxPool: Converter = (operation, builder) => {
  const [input, output] = [operand(operation, 0), resultOf(operation)];
  expectBytes(operation, [input]);
  const clamp = clampOf(operation, uint8(operation, 5));
  const largest = 'clamp' in clamp ? builder.between(output, output.shape) : output;
  builder.node('MaxPool', [builder.activation(input)], largest, poolWindow(operation, input));
  if (largest !== output) builder.node('Relu', [builder.activation(largest)], output, clamp as Attributes);
};

/** A tensor whose axes, as the file counts them, are made of listed indices of the input's; -1: `value`. */
function pick(
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
function steps(operation: Operation, first: number, end: number, step: number): number[] {
  const count = Math.max(0, Math.ceil((end - first) / step));
  if (!Number.isInteger(count) || count > MOST_LENGTH) refuse(operation, `${count} indices`, `up to ${MOST_LENGTH}`);
  return Array.from({ length: count }, (_, i) => first + i * step);
}

function expectIndices(operation: Operation, input: FileTensor, picks: readonly (readonly number[])[]): void {
  const { shape } = input;
  if (picks.length !== shape.length || picks.some((list, axis) => list.some((i) => i < -1 || i >= shape[axis]!)))
    throw new InvalidModelError(`${label(operation)} reaches beyond [${shape.join(', ')}]`);
}

/** PADV2 and MIRROR_PAD: like PAD, with another value or with elements of the tensor. */
const padWith =
  (indexOf: (operation: Operation) => (i: number, size: number) => number): Converter =>
  (operation, builder) => {
    const input = operand(operation, 0);
    expectBytes(operation, operation.inputs[2] ? [input, operation.inputs[2]] : [input]);
    const given = integers(operation, 1);
    if (given.length !== 2 * input.shape.length || given.some((n) => n < 0))
      throw new InvalidModelError(`${label(operation)}: paddings [${given.join(', ')}]`);
    const index = indexOf(operation);
    const picks = input.shape.map((size, axis) =>
      steps(operation, -given[2 * axis]!, size + given[2 * axis + 1]!, 1).map((i) => index(i, size)),
    );
    expectIndices(operation, input, picks);
    const fill = operation.inputs[2];
    const value = fill?.bytes ? Number(valuesOf(fill)[0]) : input.quantization!.zeroPoint[0]!;
    if (fill && !fill.bytes) refuse(operation, `'${fill.name}' is computed`, 'a constant value');
    pick(builder, input, resultOf(operation), picks, value);
  };

const outside = () => (i: number, size: number) => (i < 0 || i >= size ? -1 : i);
/** REFLECT leaves the border out, SYMMETRIC repeats it. */
const mirrored = (operation: Operation) => {
  const border = uint8(operation, 0) === 0 ? 0 : 1;
  return (i: number, size: number) => (i < 0 ? -i - border : i >= size ? 2 * size - 2 - i + border : i);
};

const slice: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  const [begin, sizes] = [integers(operation, 1), integers(operation, 2)];
  const picks = input.shape.map((length, axis) => {
    const first = begin[axis] ?? 0;
    const size = sizes[axis] ?? -1;
    return steps(operation, first, size === -1 ? length : first + size, 1);
  });
  expectIndices(operation, input, picks);
  pick(builder, input, resultOf(operation), picks);
};

const MASKS = ['begin', 'end', 'ellipsis', 'new axis', 'shrink axis'];

const stridedSlice: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  const [begins, ends, strides] = [1, 2, 3].map((index) => integers(operation, index)) as [
    number[],
    number[],
    number[],
  ];
  const masks = MASKS.map((_, field) => int32(operation, field));
  for (const field of [2, 3, 4])
    if (masks[field] !== 0) refuse(operation, `a mask of ${MASKS[field]!}`, 'masks of begin and end');
  const picks = input.shape.map((size, axis) => {
    const step = strides[axis] ?? 1;
    if (step === 0) throw new InvalidModelError(`${label(operation)}: a stride of 0`);
    const clamped = (i: number): number =>
      Math.min(Math.max(i < 0 ? i + size : i, step > 0 ? 0 : -1), step > 0 ? size : size - 1);
    const masked = (field: number): boolean => ((masks[field]! >> axis) & 1) === 1;
    const first = masked(0) || begins[axis] === undefined ? (step > 0 ? 0 : size - 1) : clamped(begins[axis]);
    const end = masked(1) || ends[axis] === undefined ? (step > 0 ? size : -1) : clamped(ends[axis]);
    return steps(operation, first, end, step);
  });
  expectIndices(operation, input, picks);
  pick(builder, input, resultOf(operation), picks);
};

const transpose: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  const rank = input.shape.length;
  const given = integers(operation, 1);
  if (given.length !== rank || input.shape.some((_, axis) => !given.includes(axis)))
    throw new InvalidModelError(`${label(operation)}: axes [${given.join(', ')}] of ${rank} dimensions`);
  const perm: number[] = [];
  for (const [axis, from] of given.entries()) perm[axisInGraph(axis, rank)] = axisInGraph(from, rank);
  builder.node('Transpose', [builder.activation(input)], resultOf(operation), { perm });
};

const blocks =
  (op: string): Converter =>
  (operation, builder) => {
    const input = operand(operation, 0);
    expectBytes(operation, [input]);
    if (input.shape.length !== 4) refuse(operation, `an input of shape [${input.shape.join(', ')}]`, 'four dimensions');
    const attributes = { blocksize: int32(operation, 0), mode: 'DCR' };
    builder.node(op, [builder.activation(input)], resultOf(operation), attributes);
  };

/** RESIZE_NEAREST_NEIGHBOR: positions in float32, as the kernel has them. */
const resizeNearest: Converter = (operation, builder) => {
  const [input, output] = [operand(operation, 0), resultOf(operation)];
  expectBytes(operation, [input]);
  if (input.shape.length !== 4) refuse(operation, `an input of shape [${input.shape.join(', ')}]`, 'four dimensions');
  const sizes = integers(operation, 1);
  const [aligned, half] = [uint8(operation, 0) !== 0, uint8(operation, 1) !== 0];
  const along = (size: number, count: number): number[] => {
    const scale = aligned && count > 1 ? Math.fround((size - 1) / (count - 1)) : Math.fround(size / count);
    return steps(operation, 0, count, 1).map((i) => {
      const at = Math.fround(Math.fround(i + (half ? 0.5 : 0)) * scale);
      return Math.max(0, Math.min(aligned ? round(at) : Math.floor(at), size - 1));
    });
  };
  const picks = input.shape.map((size, axis) => along(size, axis === 1 || axis === 2 ? sizes[axis - 1]! : size));
  pick(builder, input, output, [
    steps(operation, 0, input.shape[0]!, 1),
    picks[1]!,
    picks[2]!,
    steps(operation, 0, input.shape[3]!, 1),
  ]);
};

/** CONCATENATION: what is quantized otherwise than the output is rescaled in float32 before. */
const concatenation: Converter = (operation, builder) => {
  const output = resultOf(operation);
  const inputs = operation.inputs.map((_, index) => operand(operation, index));
  expectBytes(operation, inputs);
  if (uint8(operation, 1) !== 0) refuse(operation, 'a fused activation', 'none');
  const rank = output.shape.length;
  const axis = int32(operation, 0);
  const same = ({ type, quantization }: FileTensor): boolean =>
    type === output.type &&
    quantization!.scale[0] === output.quantization!.scale[0] &&
    quantization!.zeroPoint[0] === output.quantization!.zeroPoint[0];
  const names = inputs.map((input) => {
    if (same(input)) return builder.activation(input);
    if (output.type !== 'uint8' || input.type !== 'uint8')
      return refuse(operation, `'${input.name}' is quantized otherwise than the output`, 'one quantization for int8');
    const rescaled = builder.between({ ...output, name: input.name }, input.shape);
    builder.node('Rescale', [builder.activation(input)], rescaled);
    return rescaled.name;
  });
  builder.node('Concat', names, output, { axis: axisInGraph(axis < 0 ? axis + rank : axis, rank) });
};

/** Every operator that is read; what each becomes in the graph. */
const CONVERTERS: Readonly<Record<string, Converter>> = {
  CONV_2D: conv,
  DEPTHWISE_CONV_2D: depthwise,
  FULLY_CONNECTED: fullyConnected,
  ADD: pair('Add'),
  MUL: pair('Mul'),
  SUB: pair('Sub'),
  MAXIMUM: pair('Maximum', false),
  MINIMUM: pair('Minimum', false),
  PRELU: pair('PRelu', false),
  SQUARED_DIFFERENCE: pair('SquaredDifference', false),
  AVERAGE_POOL_2D: averagePool,
  MAX_POOL_2D: maxPool,
  MEAN: mean,
  RESHAPE: reshaping,
  SQUEEZE: reshaping,
  EXPAND_DIMS: reshaping,
  PAD: pad,
  SOFTMAX: softmax,
  QUANTIZE: quantize,
  DEQUANTIZE: dequantize,
  RELU: relu('RELU'),
  RELU_N1_TO_1: relu('RELU_N1_TO_1'),
  RELU6: relu('RELU6'),
  LEAKY_RELU: unary('LeakyRelu', ({ options }) => ({ alpha: options?.float32(0) ?? 0 })),
  LOGISTIC: unary('Sigmoid'),
  TANH: unary('Tanh'),
  HARD_SWISH: unary('HardSwish'),
  ABS: unary('Abs'),
  RSQRT: unary('Rsqrt'),
  CONCATENATION: concatenation,
  PADV2: padWith(outside),
  MIRROR_PAD: padWith(mirrored),
  SLICE: slice,
  STRIDED_SLICE: stridedSlice,
  TRANSPOSE: transpose,
  DEPTH_TO_SPACE: blocks('DepthToSpace'),
  SPACE_TO_DEPTH: blocks('SpaceToDepth'),
  RESIZE_NEAREST_NEIGHBOR: resizeNearest,
};

export const SUPPORTED_OPERATORS: readonly string[] = Object.keys(CONVERTERS);

export const isKnown = (name: string): boolean => Object.hasOwn(CONVERTERS, name);

export function convert(operation: Operation, builder: GraphBuilder): void {
  CONVERTERS[operation.name]!(operation, builder);
}
