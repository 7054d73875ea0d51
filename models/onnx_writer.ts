import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Element types and their numbers in ONNX's TensorProto.DataType. */
const DATA_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;
export type OnnxElementType = keyof typeof DATA_TYPES;

export interface OnnxTensor {
  readonly name: string;
  /** [] for a scalar. */
  readonly dims: readonly number[];
  readonly data: Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxElementType;
  /** A string is a symbolic dimension; left out where the shape is not stated. */
  readonly dims?: readonly (number | string)[];
}

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  /** '' for ONNX's own operators. */
  readonly domain: '' | 'com.microsoft';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** An integer, a list of integers, a string, or a float32, which says that it is one: ONNX tells 1 from 1.0. */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number };

export interface OnnxModel {
  readonly name: string;
  readonly description: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxTensor[];
  /** ONNX's operator set; 13 unless another is named. */
  readonly operatorSet?: number;
}

/** IR version 7 is the first that goes with operator set 13, which added per-axis DequantizeLinear. */
const IR_VERSION = 7;
const OPERATOR_SET = 13;
/** AttributeProto.AttributeType */
const FLOAT = 1;
const INT = 2;
const STRING = 3;
const INTS = 7;

type Write = (writer: BinaryWriter) => void;

function message(writer: BinaryWriter, field: number, write: Write): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function integer(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

const attribute =
  (name: string, value: OnnxAttribute): Write =>
  (writer) => {
    text(writer, 1, name);
    if (typeof value === 'number') {
      integer(writer, 3, value);
      integer(writer, 20, INT);
    } else if (typeof value === 'string') {
      text(writer, 4, value);
      integer(writer, 20, STRING);
    } else if ('float' in value) {
      writer.tag(2, WireType.Bit32).float(value.float);
      integer(writer, 20, FLOAT);
    } else {
      for (const item of value) integer(writer, 8, item);
      integer(writer, 20, INTS);
    }
  };

const node =
  ({ name, op, domain, inputs, outputs, attributes }: OnnxNode): Write =>
  (writer) => {
    for (const input of inputs) text(writer, 1, input);
    for (const output of outputs) text(writer, 2, output);
    text(writer, 3, name);
    text(writer, 4, op);
    for (const [key, value] of Object.entries(attributes)) message(writer, 5, attribute(key, value));
    if (domain) text(writer, 7, domain);
  };

function elementTypeOf(data: OnnxTensor['data']): OnnxElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof BigInt64Array) return 'int64';
  return data instanceof Int8Array ? 'int8' : 'uint8';
}

const tensor =
  ({ name, dims, data }: OnnxTensor): Write =>
  (writer) => {
    for (const dim of dims) integer(writer, 1, dim);
    integer(writer, 2, DATA_TYPES[elementTypeOf(data)]);
    text(writer, 8, name);
    // ONNX's raw data is little-endian, as is every machine that runs Node
    writer.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  };

const dimension =
  (value: number | string): Write =>
  (writer) => {
    if (typeof value === 'number') integer(writer, 1, value);
    else text(writer, 2, value);
  };

const value =
  ({ name, type, dims }: OnnxValue): Write =>
  (writer) => {
    text(writer, 1, name);
    message(writer, 2, (typeProto) =>
      message(typeProto, 1, (tensorType) => {
        integer(tensorType, 1, DATA_TYPES[type]);
        if (dims) message(tensorType, 2, (shape) => dims.forEach((dim) => message(shape, 1, dimension(dim))));
      }),
    );
  };

/** Serializes a model, with com.microsoft's operator set 1 beside ONNX's. The same model gives the same bytes. */
export function writeOnnx(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  integer(writer, 1, IR_VERSION);
  text(writer, 2, 'exact8');
  text(writer, 6, model.description);
  message(writer, 7, (graph) => {
    for (const item of model.nodes) message(graph, 1, node(item));
    text(graph, 2, model.name);
    for (const item of model.constants) message(graph, 5, tensor(item));
    for (const item of model.inputs) message(graph, 11, value(item));
    for (const item of model.outputs) message(graph, 12, value(item));
  });
  for (const [domain, version] of Object.entries({ '': model.operatorSet ?? OPERATOR_SET, 'com.microsoft': 1 }))
    message(writer, 8, (set) => {
      text(set, 1, domain);
      integer(set, 2, version);
    });
  return writer.finish();
}
