import { f32 } from '../../engines/rounding.ts';
import type { GraphDraft } from '../../graph/draft.ts';
import type { GraphNode } from '../../graph/graph.ts';
import { Expansion } from './expansion.ts';
import { dequantized } from './pairs.ts';

/** What onnxruntime's normalizations compute in float32: of each channel a factor and an offset, f32(f32(x * k) + d). */

/** Values of a constant, float32 or behind a DequantizeLinear that has one scale for all of it. */
function realValues(draft: GraphDraft, tensor: string): Float32Array | undefined {
  const { data } = draft.constants.get(tensor) ?? {};
  if (data instanceof Float32Array) return data;
  const source = draft.constants.get(dequantized(draft, tensor) ?? '');
  if (source?.quantization?.scale.length !== 1) return undefined;
  const [scale, zero] = [source.quantization.scale[0]!, source.quantization.zeroPoint[0]!];
  return Float32Array.from(source.data as Int32Array, (q) => f32(q - zero) * scale);
}

interface Lines {
  readonly factors: Float32Array;
  readonly offsets: Float32Array;
}

/**
 * `k = f32(f32(1 / f32(sqrt(f32(variance + epsilon)))) * s)`, `d = f32(b - f32(mean * k))`; undefined where these do not
 * follow from constants.
 */
export function batchNormalization(draft: GraphDraft, { inputs, attributes }: GraphNode): Lines | undefined {
  const [s, b, mean, variance] = inputs.slice(1).map((input) => realValues(draft, input));
  if (!s || !b || !mean || !variance || attributes['training_mode']) return undefined;
  const epsilon = f32(Number(attributes['epsilon'] ?? 1e-5));
  const factors = s.map((v, c) => f32(1 / f32(Math.sqrt(f32(variance[c]! + epsilon)))) * v);
  return { factors, offsets: b.map((v, c) => v - f32(mean[c]! * factors[c]!)) };
}

/** Sums over height and width are taken one after the other. */
const MEAN = { axes: [2, 3], keepdims: 1 };

/**
 * Normalizations that are no tables, operator by operator. Of an InstanceNormalization m is the mean of x, the variance that
 * of f32(f32(x - m)^2), and the rest as of a BatchNormalization: measured on onnxruntime-web 1.30.
 */
export function expandNormalizations(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    const [x, ...parameters] = node.inputs as [string, ...string[]];
    const expansion = new Expansion(draft, node);
    if (node.op === 'BatchNormalization') {
      const lines = batchNormalization(draft, node);
      if (!lines) continue;
      const scaled = expansion.op('Mul', [x, expansion.constant(lines.factors)]);
      expansion.op('Add', [scaled, expansion.constant(lines.offsets)]);
      expansion.end();
    } else if (node.op === 'InstanceNormalization') {
      const [s, b] = parameters.map((parameter) => realValues(draft, parameter));
      if (!s || !b) continue;
      const epsilon = expansion.constant(Float32Array.of(Number(node.attributes['epsilon'] ?? 1e-5)));
      const mean = expansion.op('ReduceMean', [x], MEAN);
      const distance = expansion.op('Sub', [x, mean]);
      const variance = expansion.op('ReduceMean', [expansion.op('Mul', [distance, distance])], MEAN);
      const deviation = expansion.op('Sqrt', [expansion.op('Add', [variance, epsilon])]);
      const factor = expansion.op('Mul', [expansion.op('Reciprocal', [deviation]), expansion.constant(s)]);
      const offset = expansion.op('Sub', [expansion.constant(b), expansion.op('Mul', [mean, factor])]);
      expansion.op('Add', [expansion.op('Mul', [x, factor]), offset]);
      expansion.end();
    }
  }
}
