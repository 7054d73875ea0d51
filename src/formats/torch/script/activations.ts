import type { Attributes, Quantization } from '../../../graph/graph.ts';
import type { PickleValue } from '../pickle.ts';
import type { Call } from './call.ts';
import type { OwnConstant } from './draft.ts';
import { Activation } from './values.ts';

/** What becomes of a call. */
export type Handler = (call: Call) => PickleValue;

/** Of what has the quantization and the shape of `x`, unless told otherwise. */
export const like = (
  x: Activation,
  { dims = x.dims, quantization = x.quantization, format = x.format }: Partial<Activation> = {},
): Activation => new Activation(dims, quantization, format);

export const integers = (suffix: string, values: readonly number[]): OwnConstant => ({
  suffix,
  type: 'int64',
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** An operand that is left out. */
export const NOTHING = null;

/** One pixel lies in memory alike in all formats. */
export const isPixel = ({ dims }: Activation): boolean => dims.length <= 2 || (dims[2] === 1 && dims[3] === 1);

/** What a node says where the order of elements in memory shows in the bits. */
export function memoryOf(call: Call, ...tensors: readonly Activation[]): Attributes {
  const [format = 'channels_last', ...others] = new Set(
    tensors.filter((tensor) => !isPixel(tensor)).map((tensor) => tensor.format),
  );
  if (format === 'other' || others.length > 0)
    return call.refuse(
      `tensors in memory format ${[format, ...others].join(', ')}`,
      'channels_last, which convolutions and pools give, or contiguous',
    );
  return format === 'contiguous' && tensors.some(({ dims }) => dims.length === 4) ? { contiguous: 1 } : {};
}

/** A part of a tensor's channels. */
export function channelsOf(call: Call, x: Activation, from: number, to: number): Activation {
  const dims = x.dims.map((d, axis) => (axis === 1 ? to - from : d));
  const operands = [integers('starts', [from]), integers('ends', [to]), integers('axes', [1])];
  return call.node('Slice', [x, ...operands], like(x, { dims, format: 'other' }), {}, `.from${from}`);
}

export const clampAtZero = ({ zeroPoint }: Quantization): Attributes => ({ clamp: [zeroPoint[0]!, 255] });

/** Channels that vector instructions take at a time. */
export const LANES = 8;
