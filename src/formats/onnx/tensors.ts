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

/** An initializer's values, from raw_data or from the typed fields. */
export function readConstant(tensor: OnnxTensor, name: string = tensor.name): Constant {
  if (tensor.externalLocation !== undefined)
    throw new UnsupportedModelError(
      `tensor '${name}' keeps its data in another file ('${tensor.externalLocation}'); external data is not supported`,
    );
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
