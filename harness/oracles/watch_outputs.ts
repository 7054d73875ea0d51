import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { ElementType } from '../../src/graph/graph.ts';

/** A tensor of a model that is to become a graph output. */
export interface WatchedTensor {
  readonly name: string;
  /** The type that it has in the engine. */
  readonly type: ElementType;
  /** Of a whole 8-bit tensor, in the engine. */
  readonly zeroPoint?: number;
}

/** TensorProto.DataType. */
const DATA_TYPES: Readonly<Record<ElementType, number>> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 };

/**
 * The ONNX model with more graph outputs; nothing else of the file is touched.
 *
 * Concatenated protobuf messages merge: a ModelProto with nothing but further outputs is appended.
 */
export function watchOutputs(model: Uint8Array, tensors: readonly WatchedTensor[]): Uint8Array<ArrayBuffer> {
  const graph = new BinaryWriter();
  for (const { name, type } of tensors) {
    const tensorType = new BinaryWriter().tag(1, WireType.Varint).int32(DATA_TYPES[type]);
    const valueInfo = new BinaryWriter().tag(1, WireType.LengthDelimited).string(name);
    const typeProto = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(tensorType.finish());
    valueInfo.tag(2, WireType.LengthDelimited).bytes(typeProto.finish());
    graph.tag(12, WireType.LengthDelimited).bytes(valueInfo.finish());
  }
  const suffix = new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(graph.finish()).finish();
  const result = new Uint8Array(model.length + suffix.length);
  result.set(model);
  result.set(suffix, model.length);
  return result;
}
