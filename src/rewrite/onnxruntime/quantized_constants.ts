import { UnsupportedModelError } from '../../errors.ts';
import { float32Operators } from '../../engines/onnxruntime_float32.ts';
import type { GraphDraft } from '../../graph/draft.ts';
import type { Constant, GraphNode } from '../../graph/graph.ts';
import { f32, INT32_END, roundHalfEven } from '../../engines/rounding.ts';
import { dequantized, label, quantizing } from './pairs.ts';

/** rne(f32(b / f32(sx * sw))): a float bias beside an 8-bit input and weight. What is no int32 becomes the smallest one. */
export function quantizeBias(draft: GraphDraft, bias: Constant, input: string, weight: string): string {
  const sx = draft.quantized(input)!.quantization.scale[0]!;
  const scale = draft.quantized(weight)!.quantization.scale.map((sw) => sx * sw);
  const data = Int32Array.from(bias.data as Float32Array, (b, i) => {
    const quotient = f32(b / scale[scale.length === 1 ? 0 : i]!);
    return Math.abs(quotient) < INT32_END ? roundHalfEven(quotient) : -INT32_END;
  });
  const quantization = { scale, zeroPoint: new Int32Array(scale.length), ...(scale.length > 1 && { axis: 0 }) };
  return draft.addConstant(`${bias.name}.quantized`, { type: 'int32', shape: bias.shape, data, quantization });
}

/** Weights as uint8, of one scale, as a tensor of its own range is. */
function quantizeWeights(draft: GraphDraft, { name, shape, data }: Constant): string {
  const values = data as Float32Array;
  const [least, most] = float32Operators.range(values);
  const scale = float32Operators.scale(least, most);
  const zero = float32Operators.zeroPoint(least, scale);
  const quantization = { scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zero) };
  const bytes = Uint8Array.from(values, float32Operators.quantize(scale, zero));
  return draft.addConstant(`${name}.quantized`, { type: 'uint8', shape, data: bytes, quantization });
}

const WEIGHTED = new Set(['Conv', 'ConvTranspose', 'Gemm']);

/** Is a QuantizeLinear all that uses a result, or what uses a Relu or Clip of it? */
function endsInBytes(draft: GraphDraft, { outputs }: GraphNode): boolean {
  const users = draft.consumers(outputs[0]!);
  const [user] = users;
  if (draft.edges(outputs[0]!) !== 1 || !user) return false;
  return user.op === 'QuantizeLinear' || ((user.op === 'Relu' || user.op === 'Clip') && !!quantizing(draft, user));
}

/**
 * What onnxruntime quantizes of an operator with weights between a DequantizeLinear and a QuantizeLinear, whether it computes
 * in integers there or not: weights of float32, and a bias of float32 beside 8-bit weights.
 */
export function quantizeConstants(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    const [x, w, b] = node.inputs as [string, string, string?];
    const input = WEIGHTED.has(node.op) ? dequantized(draft, x) : undefined;
    if (input === undefined || draft.quantized(input)?.quantization.scale.length !== 1) continue;
    if (draft.constants.has(input) || !endsInBytes(draft, node)) continue;
    const [weight, bias] = [draft.constants.get(w), b ? draft.constants.get(b) : undefined];
    const before: GraphNode[] = [];
    const real = (bytes: string): string => {
      const output = draft.declareReal(`${bytes}.real`);
      before.push({ name: node.name, op: 'DequantizeLinear', inputs: [bytes], outputs: [output], attributes: {} });
      return output;
    };
    const inputs = [...node.inputs];
    if (weight?.type === 'float32') {
      if (b)
        throw new UnsupportedModelError(
          `${label(node)}: float32 weights and a bias between DequantizeLinear and QuantizeLinear, of which onnxruntime ` +
            'makes no session; supported: weights of 8 bits',
        );
      inputs[1] = real(quantizeWeights(draft, weight));
    }
    const bytes = dequantized(draft, w);
    if (bias?.type === 'float32' && bytes !== undefined && draft.constants.has(bytes) && draft.quantized(bytes))
      inputs[2] = real(quantizeBias(draft, bias, input, bytes));
    if (before.length > 0) draft.replace(node, [...before, { ...node, inputs }]);
  }
}
