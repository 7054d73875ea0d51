import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { parseOnnx, type OnnxNode } from '../../src/formats/onnx/proto.ts';
import { rewriteMessage } from './rewrite_message.ts';
import type { WatchedTensor } from './watch_outputs.ts';

/** Fields of ModelProto, GraphProto, NodeProto and TensorProto. */
const [GRAPH, NODE, INITIALIZER, VALUE_INFO, INPUT] = [7, 1, 5, 13, 1];
const UINT8 = 2;

/**
 * The ONNX model with int8 tensors between QuantizeLinear and DequantizeLinear as uint8, their zero points moved up by
 * 128: what onnxruntime makes of them, unless they are watched. So they are watched as what they become.
 *
 * @param tensors as they are in the engine; those that the file has in the same type are left as they are
 */
export function asUnsigned(model: Uint8Array, tensors: readonly WatchedTensor[]): Uint8Array {
  const { nodes, initializers } = parseOnnx(model).graph!;
  const types = new Map(initializers.map(({ name, dataType }) => [name, dataType]));
  const quantized = (node: OnnxNode): string | undefined =>
    node.opType === 'QuantizeLinear'
      ? node.outputs[0]
      : node.opType === 'DequantizeLinear'
        ? node.inputs[0]
        : undefined;
  const signed = new Set(
    nodes.flatMap((node) => (types.get(node.inputs[2] ?? '') === UINT8 ? [] : (quantized(node) ?? []))),
  );
  const zeroPoints = new Map<string, number>();
  for (const { name, type, zeroPoint } of tensors)
    if (type === 'uint8' && zeroPoint !== undefined && signed.has(name)) zeroPoints.set(name, zeroPoint);
  if (zeroPoints.size === 0) return model;
  const parameter = (tensor: string): string => `${tensor}.unsigned.zero_point`;
  let at = 0;
  const rewritten = rewriteMessage(model, (field, graph) =>
    field !== GRAPH
      ? graph
      : rewriteMessage(graph, (inner, bytes) => {
          // what the file says of a tensor's type
          if (inner === VALUE_INFO) return undefined;
          const tensor = inner === NODE ? quantized(nodes[at++]!) : undefined;
          if (tensor === undefined || !zeroPoints.has(tensor)) return bytes;
          let operand = 0;
          return rewriteMessage(bytes, (f, input) =>
            f === INPUT && operand++ === 2 ? new TextEncoder().encode(parameter(tensor)) : input,
          );
        }),
  );
  const added = new BinaryWriter();
  for (const [tensor, zero] of zeroPoints) {
    const constant = new BinaryWriter().tag(2, WireType.Varint).int32(UINT8);
    constant.tag(8, WireType.LengthDelimited).string(parameter(tensor));
    constant.tag(9, WireType.LengthDelimited).bytes(Uint8Array.of(zero));
    added.tag(INITIALIZER, WireType.LengthDelimited).bytes(constant.finish());
  }
  // protobuf merges a message that occurs twice
  return new BinaryWriter().raw(rewritten).tag(GRAPH, WireType.LengthDelimited).bytes(added.finish()).finish();
}
