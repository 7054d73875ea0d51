import { BUDGET, expectShape } from '../../graph/budget.ts';
import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import {
  byteRange,
  elementBytes,
  elementCount,
  ELEMENT_TYPES,
  isByteType,
  newElementData,
  type ElementData,
  type ElementType,
  type Quantization,
} from '../../graph/graph.ts';
import type { Table } from './flatbuffer.ts';
import { TENSOR_TYPES } from './schema.ts';

/** A tensor as the file has it: of four dimensions NHWC. */
export interface FileTensor {
  /** No two have the same. */
  readonly name: string;
  /** A name of TENSOR_TYPES. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Does the file leave the first dimension open? */
  readonly openBatch: boolean;
  /** `axis` is one of the file's, present where the scales are one for each index of it. */
  readonly quantization?: Quantization;
  /** The dimension that the file says scales to be along, also where there is one scale. */
  readonly dimension: number;
  /** What the file holds of it; computed where it is absent. */
  readonly bytes?: Uint8Array;
}

/** What becomes of a shape, and of axes: channels go behind the batch where there are four dimensions. */
export const toNchw = <T>(list: readonly T[]): readonly T[] =>
  list.length === 4 ? [list[0]!, list[3]!, list[1]!, list[2]!] : list;

/** Where an axis of the file's lies in the graph. */
export const axisInGraph = (axis: number, rank: number): number => (rank === 4 ? [0, 2, 3, 1][axis]! : axis);

/** Elements of four dimensions in another order: axis i of the result is axis order[i]. */
export function permuted<T extends ElementData>(data: T, shape: readonly number[], order: readonly number[]): T {
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const [sizes, steps] = [order.map((axis) => shape[axis]!), order.map((axis) => strides[axis]!)];
  const result = data.slice() as Uint8Array;
  let to = 0;
  for (let a = 0; a < sizes[0]!; a++)
    for (let b = 0; b < sizes[1]!; b++)
      for (let c = 0; c < sizes[2]!; c++)
        for (let d = 0; d < sizes[3]!; d++)
          result[to++] = (data as Uint8Array)[a * steps[0]! + b * steps[1]! + c * steps[2]! + d * steps[3]!]!;
  return result as ElementData as T;
}

/** @throws UnsupportedModelError for types that the graph does not have */
export function elementType({ name, type }: FileTensor): ElementType {
  const known = ELEMENT_TYPES.find((one) => one === type);
  if (!known)
    throw new UnsupportedModelError(`tensor '${name}' is ${type}; supported: ${[...ELEMENT_TYPES].sort().join(', ')}`);
  return known;
}

/** The values of a constant, in the file's order. */
export function valuesOf(tensor: FileTensor): ElementData {
  const { name, shape, bytes } = tensor;
  const type = elementType(tensor);
  const length = elementCount(shape);
  if (bytes?.length !== length * elementBytes(type))
    throw new InvalidModelError(
      `tensor '${name}' of ${type} [${shape.join(', ')}] holds ${bytes?.length ?? 0} bytes, not ${length * elementBytes(type)}`,
    );
  // a copy: they lie at any byte of the file
  const data = newElementData(type, length);
  new Uint8Array(data.buffer).set(bytes);
  return data;
}

const DETAILS = ['none', 'custom', 'blockwise'];

function quantizationOf(table: Table, name: string, type: string, shape: readonly number[]): Quantization | undefined {
  const scale = Float32Array.from(table.float32s(2, BUDGET.channels, `scales of '${name}'`));
  if (scale.length === 0) return undefined;
  const details = table.uint8(4);
  if (details !== 0)
    throw new UnsupportedModelError(
      `tensor '${name}' is quantized ${DETAILS[details] ?? `in way ${details}`}; supported: by scales and zero points`,
    );
  const given = table.int64s(3, BUDGET.channels, `zero points of '${name}'`);
  if (given.length > 1 && given.length !== scale.length)
    throw new InvalidModelError(`tensor '${name}' has ${scale.length} scales and ${given.length} zero points`);
  if (!scale.every((s) => s > 0 && Number.isFinite(s)))
    throw new UnsupportedModelError(`tensor '${name}': its scales are not positive and finite throughout`);
  const [least, most] = type === 'uint8' || type === 'int8' ? byteRange(type) : [-(2 ** 31), 2 ** 31 - 1];
  if (given.some((zero) => zero < least || zero > most))
    throw new InvalidModelError(`tensor '${name}' has a zero point that is no ${type}`);
  const zeroPoint = Int32Array.from(scale, (_, i) => given[given.length === 1 ? 0 : i] ?? 0);
  const axis = table.int32(6);
  if (scale.length === 1) return { scale, zeroPoint };
  if (shape[axis] !== scale.length)
    throw new InvalidModelError(
      `tensor '${name}' of shape [${shape.join(', ')}] has ${scale.length} scales along axis ${axis}`,
    );
  return { scale, zeroPoint, axis };
}

/**
 * @param name that no other tensor has
 * @param buffers the file's, as tables
 */
export function readTensor(table: Table, name: string, buffers: readonly Table[]): FileTensor {
  const code = table.uint8(1);
  const type = TENSOR_TYPES[code] ?? `of type ${code}`;
  const shape = table.int32s(0, BUDGET.rank, `dimensions in '${name}'`);
  if (shape.some((d) => d < 0))
    throw new InvalidModelError(`tensor '${name}' has the impossible shape [${shape.join(', ')}]`);
  expectShape(`tensor '${name}'`, shape);
  if (table.uint8(5) !== 0)
    throw new UnsupportedModelError(`tensor '${name}' is a variable; supported: models without`);
  if (table.table(6)) throw new UnsupportedModelError(`tensor '${name}' is sparse; supported: dense tensors`);
  const index = table.uint32(2);
  const buffer = buffers[index];
  // buffer 0 is empty by convention; some files have none at all
  if (!buffer && index !== 0) throw new InvalidModelError(`tensor '${name}' is in buffer ${index}, which there is not`);
  if (buffer && buffer.uint64(1) > 1)
    throw new UnsupportedModelError(`tensor '${name}' lies behind the model's tables; supported: within them`);
  const bytes = buffer?.bytes(0) ?? new Uint8Array(0);
  const quantization = table.table(4);
  const read = quantization && quantizationOf(quantization, name, type, shape);
  return {
    name,
    type,
    shape,
    dimension: quantization?.int32(6) ?? 0,
    openBatch: table.int32s(7, BUDGET.rank, `dimensions in '${name}'`)[0] === -1,
    ...(read && isByteType(type as ElementType) ? { quantization: read } : {}),
    ...(bytes.length > 0 && { bytes }),
  };
}
