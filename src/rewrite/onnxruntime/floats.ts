import { UnsupportedModelError } from '../../errors.ts';
import { DYNAMIC, elementCount, type GraphNode } from '../../graph/graph.ts';
import type { GraphDraft } from '../../graph/draft.ts';
import { label } from './pairs.ts';

/** What onnxruntime makes one of the convolutions that it computes in float32. */

const isFloatConv = (draft: GraphDraft, { op, inputs }: GraphNode): boolean =>
  op === 'Conv' && !draft.quantized(inputs[0]!) && !draft.quantized(inputs[1]!);

/**
 * Conv with a bias, Add of a tensor of the same shape: its sums begin with that. onnxruntime has to know that the shapes are
 * equal: of open heights and widths it does not, of open batches if they have a name.
 */
function joinAddends(draft: GraphDraft): void {
  const isOpen = (axes: readonly number[]): boolean =>
    draft.graph.inputs.some(({ shape }) => shape.some((d, axis) => d === DYNAMIC && axes.includes(axis)));
  if (isOpen([1, 2, 3])) return;
  for (const node of [...draft.nodes]) {
    const [output] = node.outputs as [string];
    const add = isFloatConv(draft, node) && node.inputs[2] ? draft.soleConsumer(output) : undefined;
    if (add?.op !== 'Add') continue;
    const other = add.inputs.find((input) => input !== output)!;
    const constant = draft.constants.get(other);
    if (constant && (constant.shape.length < 4 || elementCount(constant.shape) === constant.shape[1])) {
      // of one pixel, it may have the shape of the result
      if (constant.shape.length === 4)
        draft.replace(node, [{ ...node, attributes: { ...node.attributes, addsConstant: 1 } }]);
      continue;
    }
    if (isOpen([0]))
      throw new UnsupportedModelError(
        `${label(node)}: a float32 convolution, whose result ${label(add)} adds to '${other}', in a model of an open ` +
          'batch: onnxruntime makes one operator of both if it knows that the shapes are equal; supported: a batch that ' +
          'the file says',
      );
    draft.replace(node, []);
    draft.replace(add, [{ ...node, inputs: [...node.inputs.slice(0, 3), other], outputs: add.outputs }]);
  }
}

/** A Relu, or a Clip between constants, right behind a Conv is one operator with it. */
function joinClamps(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    const clamp = isFloatConv(draft, node) ? draft.soleConsumer(node.outputs[0]!) : undefined;
    if (clamp?.op !== 'Relu' && clamp?.op !== 'Clip') continue;
    const [least, most] = [1, 2].map((operand) => {
      const name = clamp.inputs[operand];
      return name ? draft.constants.get(name)?.data[0] : clamp.attributes[operand === 1 ? 'min' : 'max'];
    });
    if (clamp.inputs.slice(1).some((bound) => bound !== '' && !draft.constants.has(bound))) continue;
    const bounds = clamp.op === 'Relu' ? [0, Infinity] : [Number(least ?? -Infinity), Number(most ?? Infinity)];
    const attributes = { ...node.attributes, bounds, clips: Number(clamp.op === 'Clip') };
    draft.replace(node, []);
    draft.replace(clamp, [{ ...node, outputs: clamp.outputs, attributes }]);
  }
}

/** Operators whose constants onnxruntime multiplies weights by, and adds to biases, where the weights are float32 in the file. */
const FOLDED = new Set(['BatchNormalization', 'Mul', 'Add']);

function refuseFolded(draft: GraphDraft): void {
  for (const node of draft.nodes) {
    if (!isFloatConv(draft, node) || !draft.constants.has(node.inputs[1]!)) continue;
    const next = draft.soleConsumer(node.outputs[0]!);
    if (next && FOLDED.has(next.op) && next.inputs.some((input) => draft.constants.has(input)))
      throw new UnsupportedModelError(
        `${label(node)}: a float32 convolution, of whose weights and of the constants of ${label(next)} onnxruntime ` +
          'makes other weights; supported: models in which that was done before (as quantizers that prepare a model do)',
      );
  }
}

/** What becomes of float32 convolutions, and what is right behind them. */
export function joinFloatConvolutions(draft: GraphDraft): void {
  refuseFolded(draft);
  joinAddends(draft);
  joinClamps(draft);
}
