import { foldConstants } from '../../graph/fold.ts';
import type { GraphDraft } from '../../graph/draft.ts';
import { elementCount, newElementData, type Constant, type GraphNode } from '../../graph/graph.ts';
import { MOVES } from '../../graph/moves.ts';
import type { Engine } from '../../engines/engine.ts';
import { dequantized } from './pairs.ts';

/** QuantizeLinear of a constant, as the engine computes it. */
function quantized(draft: GraphDraft, node: GraphNode, engine: Engine): Constant | undefined {
  const from = draft.constants.get(node.inputs[0]!);
  const target = draft.quantized(node.outputs[0]!);
  if (!(from?.data instanceof Float32Array) || !target || from.data.some(Number.isNaN)) return undefined;
  const { name, type, quantization } = target;
  const { scale, zeroPoint, axis = 0 } = quantization;
  const functions = Array.from(scale, (s, i) => engine.quantize({ type, scale: s, zeroPoint: zeroPoint[i]! }));
  const inner = elementCount(from.shape.slice(axis < 0 ? axis + from.shape.length + 1 : axis + 1));
  const data = newElementData(type, from.data.length);
  for (const [i, x] of from.data.entries()) data[i] = functions[Math.floor(i / inner) % functions.length]!(x);
  return { name, type, shape: from.shape, data, quantization };
}

/** A move of a constant behind a DequantizeLinear: of its bytes, where one scale holds for all of them. */
function moved(draft: GraphDraft, node: GraphNode): Constant | undefined {
  const source = draft.constants.get(dequantized(draft, node.inputs[0]!) ?? '');
  if (!MOVES.has(node.op) || !source?.quantization || source.quantization.scale.length !== 1) return undefined;
  const { quantization, ...bytes } = source;
  const known = foldConstants(node, (tensor) => (tensor === node.inputs[0] ? bytes : draft.constants.get(tensor)));
  return known && { ...known, quantization };
}

/** What follows from constants before anything is fused. A DequantizeLinear stays: what is behind it decides what it becomes. */
export function foldQuantized(draft: GraphDraft, engine: Engine): void {
  for (const node of [...draft.nodes]) {
    if (node.op === 'QuantizeLinear') {
      const constant = quantized(draft, node, engine);
      if (!constant || draft.isOutput(constant.name)) continue;
      draft.constants.set(constant.name, constant);
      draft.replace(node, []);
      continue;
    }
    const constant = moved(draft, node);
    if (!constant) continue;
    const bytes = draft.addConstant(`${constant.name}.bytes`, constant);
    const inputs = [bytes];
    draft.replace(node, [{ name: node.name, op: 'DequantizeLinear', inputs, outputs: node.outputs, attributes: {} }]);
  }
}
