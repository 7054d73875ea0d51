import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { parseOnnx } from '../../src/formats/onnx/proto.ts';
import { readConstant, type ExternalData } from '../../src/formats/onnx/tensors.ts';
import { endingAt } from '../../src/graph/rewrite.ts';
import { rewriteMessage } from './rewrite_message.ts';

/** Fields of ModelProto, GraphProto, ValueInfoProto and TensorProto. */
const GRAPH = 7;
const [NODE, INITIALIZER, OUTPUT, VALUE_INFO] = [1, 5, 12, 13];
const NAME = 1;
const [RAW_DATA, EXTERNAL_DATA] = [9, 13];
/** TensorProto.data_location: 0 where it is the tensor itself. */
const DATA_LOCATION = 14;

/**
 * The ONNX model as one that any engine reads for itself: it ends at `outputs`, where they are given, and what it keeps in
 * other files lies in it.
 *
 * @throws InvalidInputError, UnsupportedModelError as readModel
 */
export function wholeOnnx(model: Uint8Array, outputs: readonly string[] | undefined, files: ExternalData): Uint8Array {
  const { nodes, initializers } = parseOnnx(model).graph!;
  if (!outputs && !initializers.some(({ external }) => external)) return model;
  const kept = new Set(outputs ? endingAt(nodes, outputs) : nodes);
  const used = new Set([...kept].flatMap(({ inputs }) => inputs));
  let [node, initializer] = [0, 0];
  const rewritten = rewriteMessage(model, (field, graph) =>
    field !== GRAPH
      ? graph
      : rewriteMessage(graph, (inner, bytes) => {
          if (inner === NODE) return kept.has(nodes[node++]!) ? bytes : undefined;
          if (outputs && (inner === OUTPUT || inner === VALUE_INFO)) return undefined;
          if (inner !== INITIALIZER) return bytes;
          const tensor = initializers[initializer++]!;
          if (outputs && !used.has(tensor.name)) return undefined;
          if (!tensor.external) return bytes;
          const { data } = readConstant(tensor, tensor.name, files);
          const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
          const here = rewriteMessage(bytes, (f, value) => (f === EXTERNAL_DATA ? undefined : value));
          const own = new BinaryWriter().raw(here).tag(RAW_DATA, WireType.LengthDelimited).bytes(raw);
          return own.tag(DATA_LOCATION, WireType.Varint).int32(0).finish();
        }),
  );
  const added = new BinaryWriter();
  for (const output of outputs ?? []) {
    const value = new BinaryWriter().tag(NAME, WireType.LengthDelimited).string(output);
    added.tag(OUTPUT, WireType.LengthDelimited).bytes(value.finish());
  }
  // protobuf merges a message that occurs twice
  return new BinaryWriter().raw(rewritten).tag(GRAPH, WireType.LengthDelimited).bytes(added.finish()).finish();
}
