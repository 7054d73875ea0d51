import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { InvalidModelError } from '../../errors.ts';

/** The messages of onnx.proto, as far as a quantized CNN needs them. Field numbers are the format's. */
export interface OnnxModel {
  producer: string;
  opsets: Map<string, number>;
  graph?: OnnxGraph;
  functions: number;
}

export interface OnnxGraph {
  name: string;
  nodes: OnnxNode[];
  initializers: OnnxTensor[];
  inputs: OnnxValueInfo[];
  outputs: OnnxValueInfo[];
  sparseInitializers: number;
}

export interface OnnxNode {
  inputs: string[];
  outputs: string[];
  name: string;
  opType: string;
  domain: string;
  attributes: Map<string, OnnxAttribute>;
}

export interface OnnxAttribute {
  f?: number;
  i?: number;
  s?: string;
  t?: OnnxTensor;
  floats: number[];
  ints: number[];
  isGraph: boolean;
}

export interface OnnxTensor {
  name: string;
  dims: number[];
  dataType: number;
  raw?: Uint8Array;
  floats: number[];
  int32s: number[];
  int64s: bigint[];
  /** By the names of the format: location, offset, length. */
  external?: Readonly<Record<string, string>>;
}

export interface OnnxValueInfo {
  name: string;
  elemType: number;
  /** A text for a dimension that is open: its name, '' where it has none; undefined where the file gives no shape. */
  dims?: (number | string)[];
}

type FieldReader<T> = (message: T, field: number, wire: WireType, reader: BinaryReader) => boolean;

/** Reads one message; `read` returns false for fields that it does not know, which are skipped. */
function readMessage<T>(reader: BinaryReader, length: number, message: T, read: FieldReader<T>): T {
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError('a message is longer than the file');
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (!read(message, field, wire, reader)) reader.skip(wire, field);
  }
  if (reader.pos !== end) throw new RangeError('a field reaches beyond its message');
  return message;
}

function nested<T>(reader: BinaryReader, message: T, read: FieldReader<T>): T {
  return readMessage(reader, reader.uint32(), message, read);
}

/** A repeated number: packed (one length-delimited field) or one element a field. */
function repeated<T>(values: T[], wire: WireType, reader: BinaryReader, one: () => T): void {
  if (wire !== WireType.LengthDelimited) {
    values.push(one());
    return;
  }
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError('a packed field is longer than the file');
  while (reader.pos < end) values.push(one());
}

const int64 = (reader: BinaryReader): bigint => BigInt(reader.int64());
const integer = (reader: BinaryReader): number => Number(int64(reader));

const readTensor: FieldReader<OnnxTensor> = (t, field, wire, r) => {
  if (field === 1) repeated(t.dims, wire, r, () => integer(r));
  else if (field === 2) t.dataType = r.int32();
  else if (field === 4) repeated(t.floats, wire, r, () => r.float());
  else if (field === 5) repeated(t.int32s, wire, r, () => r.int32());
  else if (field === 7) repeated(t.int64s, wire, r, () => int64(r));
  else if (field === 8) t.name = r.string();
  else if (field === 9) t.raw = r.bytes();
  else if (field === 13) {
    const entry = nested(r, { key: '', value: '' }, (e, f) => {
      if (f === 1) e.key = r.string();
      else if (f === 2) e.value = r.string();
      else return false;
      return true;
    });
    t.external = { ...t.external, [entry.key]: entry.value };
  } else return false;
  return true;
};

const newTensor = (): OnnxTensor => ({ name: '', dims: [], dataType: 0, floats: [], int32s: [], int64s: [] });

const readAttribute: FieldReader<OnnxAttribute & { name: string }> = (a, field, wire, r) => {
  if (field === 1) a.name = r.string();
  else if (field === 2) a.f = r.float();
  else if (field === 3) a.i = integer(r);
  else if (field === 4) a.s = r.string();
  else if (field === 5) a.t = nested(r, newTensor(), readTensor);
  else if (field === 7) repeated(a.floats, wire, r, () => r.float());
  else if (field === 8) repeated(a.ints, wire, r, () => integer(r));
  else if (field === 6 || field === 11) {
    a.isGraph = true;
    return false;
  } else return false;
  return true;
};

const readNode: FieldReader<OnnxNode> = (n, field, _wire, r) => {
  if (field === 1) n.inputs.push(r.string());
  else if (field === 2) n.outputs.push(r.string());
  else if (field === 3) n.name = r.string();
  else if (field === 4) n.opType = r.string();
  else if (field === 5) {
    const attribute = nested(r, { name: '', floats: [], ints: [], isGraph: false }, readAttribute);
    n.attributes.set(attribute.name, attribute);
  } else if (field === 7) n.domain = r.string();
  else return false;
  return true;
};

const readValueInfo: FieldReader<OnnxValueInfo> = (v, field, _wire, r) => {
  if (field === 1) v.name = r.string();
  else if (field === 2)
    nested(r, v, (_, typeField) => {
      if (typeField !== 1) return false;
      nested(r, v, (_, f) => {
        if (f === 1) v.elemType = r.int32();
        else if (f === 2) {
          const dims: (number | string)[] = (v.dims = []);
          nested(r, dims, (_, dimField) => {
            if (dimField !== 1) return false;
            const dim = nested(r, { value: '' as number | string }, (d, g) => {
              if (g === 1) d.value = integer(r);
              else if (g === 2) d.value = r.string();
              else return false;
              return true;
            });
            dims.push(dim.value);
            return true;
          });
        } else return false;
        return true;
      });
      return true;
    });
  else return false;
  return true;
};

const readGraph: FieldReader<OnnxGraph> = (g, field, _wire, r) => {
  if (field === 1)
    g.nodes.push(
      nested(r, { inputs: [], outputs: [], name: '', opType: '', domain: '', attributes: new Map() }, readNode),
    );
  else if (field === 2) g.name = r.string();
  else if (field === 5) g.initializers.push(nested(r, newTensor(), readTensor));
  else if (field === 11) g.inputs.push(nested(r, { name: '', elemType: 0 }, readValueInfo));
  else if (field === 12) g.outputs.push(nested(r, { name: '', elemType: 0 }, readValueInfo));
  else if (field === 15) {
    g.sparseInitializers++;
    return false;
  } else return false;
  return true;
};

const newGraph = (): OnnxGraph => ({
  name: '',
  nodes: [],
  initializers: [],
  inputs: [],
  outputs: [],
  sparseInitializers: 0,
});

const readModelFields: FieldReader<OnnxModel> = (m, field, _wire, r) => {
  if (field === 2) m.producer = r.string();
  // protobuf merges a message that occurs twice
  else if (field === 7) m.graph = nested(r, m.graph ?? newGraph(), readGraph);
  else if (field === 8) {
    const opset = nested(r, { domain: '', version: 0 }, (o, f) => {
      if (f === 1) o.domain = r.string();
      else if (f === 2) o.version = integer(r);
      else return false;
      return true;
    });
    m.opsets.set(opset.domain === 'ai.onnx' ? '' : opset.domain, opset.version);
  } else if (field === 25) {
    m.functions++;
    return false;
  } else return false;
  return true;
};

function parse<T>(bytes: Uint8Array, message: T, read: FieldReader<T>): T {
  try {
    return readMessage(new BinaryReader(bytes), bytes.length, message, read);
  } catch (error) {
    throw new InvalidModelError(
      `not a whole ONNX file (${bytes.length} bytes): ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** @throws InvalidModelError where the bytes are not a whole ModelProto. */
export function parseOnnx(bytes: Uint8Array): OnnxModel {
  return parse(bytes, { producer: '', opsets: new Map(), functions: 0 }, readModelFields);
}

/** @throws InvalidModelError where the bytes are not a whole TensorProto. */
export function parseTensor(bytes: Uint8Array): OnnxTensor {
  return parse(bytes, newTensor(), readTensor);
}
