import { InvalidModelError } from '../../errors.ts';
import {
  type Operation,
  type Converter,
  label,
  refuse,
  operand,
  resultOf,
  expectBytes,
  integers,
  round,
  int32,
  uint8,
  steps,
  reshape,
  transposed,
  pick,
} from './operation.ts';
import { axisInGraph, toNchw, valuesOf, type FileTensor } from './tensors.ts';

/** RESHAPE, SQUEEZE, EXPAND_DIMS: what shape it is, the file says of the output. */
export const reshaping: Converter = (operation, builder) => {
  const [input, output] = [operand(operation, 0), resultOf(operation)];
  expectBytes(operation, [input]);
  const open = output.openBatch ? [-1, ...output.shape.slice(1)] : output.shape;
  reshape(builder, input, output, open);
};

/** PAD: with the zero point, so with 0 as a real number. */
export const pad: Converter = (operation, builder) => {
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

function expectIndices(operation: Operation, input: FileTensor, picks: readonly (readonly number[])[]): void {
  const { shape } = input;
  if (picks.length !== shape.length || picks.some((list, axis) => list.some((i) => i < -1 || i >= shape[axis]!)))
    throw new InvalidModelError(`${label(operation)} reaches beyond [${shape.join(', ')}]`);
}

/** PADV2 and MIRROR_PAD: like PAD, with another value or with elements of the tensor. */
export const padWith =
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

export const outside = () => (i: number, size: number) => (i < 0 || i >= size ? -1 : i);
/** REFLECT leaves the border out, SYMMETRIC repeats it. */
export const mirrored = (operation: Operation) => {
  const border = uint8(operation, 0) === 0 ? 0 : 1;
  return (i: number, size: number) => (i < 0 ? -i - border : i >= size ? 2 * size - 2 - i + border : i);
};

export const slice: Converter = (operation, builder) => {
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

export const stridedSlice: Converter = (operation, builder) => {
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

export const transpose: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  const rank = input.shape.length;
  const given = integers(operation, 1);
  if (given.length !== rank || input.shape.some((_, axis) => !given.includes(axis)))
    throw new InvalidModelError(`${label(operation)}: axes [${given.join(', ')}] of ${rank} dimensions`);
  transposed(builder, input, resultOf(operation), given);
};

export const blocks =
  (op: string): Converter =>
  (operation, builder) => {
    const input = operand(operation, 0);
    expectBytes(operation, [input]);
    if (input.shape.length !== 4) refuse(operation, `an input of shape [${input.shape.join(', ')}]`, 'four dimensions');
    const attributes = { blocksize: int32(operation, 0), mode: 'DCR' };
    builder.node(op, [builder.activation(input)], resultOf(operation), attributes);
  };

/** RESIZE_NEAREST_NEIGHBOR: positions in float32, as the kernel has them. */
export const resizeNearest: Converter = (operation, builder) => {
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

/** RESIZE_BILINEAR. */
export const resizeBilinear: Converter = (operation, builder) => {
  const input = operand(operation, 0);
  expectBytes(operation, [input]);
  const sizes = integers(operation, 1);
  // its options have two fields of old
  const [align_corners, half_pixel_centers] = [uint8(operation, 2), uint8(operation, 3)];
  builder.node('ResizeBilinear', [builder.activation(input)], resultOf(operation), {
    sizes,
    align_corners,
    half_pixel_centers,
  });
};

/** CONCATENATION: what is quantized otherwise than the output is rescaled in float32 before. */
export const concatenation: Converter = (operation, builder) => {
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
