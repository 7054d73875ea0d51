import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import { elementBytes, elementCount, newElementData, type Constant, type ElementType } from '../../graph/graph.ts';
import { expectShape } from '../../graph/budget.ts';
import type { OnnxTensor } from './proto.ts';

const TYPES: Readonly<Record<number, ElementType>> = { 1: 'float32', 2: 'uint8', 3: 'int8', 6: 'int32', 7: 'int64' };

/** TensorProto.DataType, for messages. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  4: 'uint16',
  5: 'int16',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'double',
  12: 'uint32',
  13: 'uint64',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  21: 'uint4',
  22: 'int4',
};

export function elementType(dataType: number, tensor: string): ElementType {
  const type = TYPES[dataType];
  if (!type)
    throw new UnsupportedModelError(
      `tensor '${tensor}' has element type ${TYPE_NAMES[dataType] ?? `number ${dataType}`}; supported: float32, uint8, int8, int32, int64`,
    );
  return type;
}

/** Files beside a model's, by the paths that it has for them. */
export type ExternalData = Readonly<Record<string, Uint8Array>>;

/** A tensor that lies in another file, as one whose bytes are its own. */
function fromFile(tensor: OnnxTensor, name: string, files: ExternalData): OnnxTensor {
  const { location = '', offset = '0', length } = tensor.external!;
  const file = Object.hasOwn(files, location) ? files[location] : undefined;
  if (!file)
    throw new UnsupportedModelError(
      `tensor '${name}' keeps its data in another file ('${location}'), which is not given; supported: files beside the ` +
        "model's for the command, the option `externalData` for the library",
    );
  const first = Number(offset);
  const end = length === undefined ? file.length : first + Number(length);
  if (![first, end].every((at) => Number.isSafeInteger(at) && at >= 0 && at <= file.length) || end < first)
    throw new InvalidModelError(
      `tensor '${name}' is bytes ${first} to ${end} of '${location}', which has ${file.length}`,
    );
  const { external: _, ...own } = tensor;
  return { ...own, raw: file.subarray(first, end) };
}

/** An initializer's values, from raw_data or from the typed fields. */
export function readConstant(given: OnnxTensor, name: string = given.name, files: ExternalData = {}): Constant {
  const tensor = given.external ? fromFile(given, name, files) : given;
  const type = elementType(tensor.dataType, name);
  if (tensor.dims.some((d) => !Number.isSafeInteger(d) || d < 0))
    throw new InvalidModelError(`tensor '${name}' has the impossible shape [${tensor.dims.join(', ')}]`);
  expectShape(`tensor '${name}'`, tensor.dims);
  const length = elementCount(tensor.dims);
  const wrong = (got: number, unit: string) =>
    new InvalidModelError(`tensor '${name}' of shape [${tensor.dims.join(', ')}] holds ${got} ${unit}, not ${length}`);
  if (tensor.raw !== undefined) {
    const { raw } = tensor;
    if (raw.length !== length * elementBytes(type)) throw wrong(raw.length / elementBytes(type), 'elements');
    // a copy: raw data lies at any byte offset of the file
    const data = newElementData(type, length);
    new Uint8Array(data.buffer).set(raw);
    return { name, type, shape: tensor.dims, data };
  }
  const values: ArrayLike<number | bigint> =
    type === 'float32' ? tensor.floats : type === 'int64' ? tensor.int64s : tensor.int32s;
  if (values.length !== length) throw wrong(values.length, 'values');
  const data = newElementData(type, length);
  for (let i = 0; i < length; i++) data[i] = values[i]!;
  return { name, type, shape: tensor.dims, data };
}
