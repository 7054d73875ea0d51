import { UnsupportedModelError } from '../../errors.ts';
import { DYNAMIC, elementCount, type Constant, type GraphNode } from '../../graph/graph.ts';
import type { GraphDraft } from '../../graph/draft.ts';
import { dequantized, label } from './pairs.ts';

/** What onnxruntime makes of convolutions and products that it computes in float32, and of what is right behind them. */

const PRODUCTS = new Set(['MatMul', 'Gemm']);

const isFloatConv = (draft: GraphDraft, { op, inputs }: GraphNode): boolean =>
  op === 'Conv' && !draft.quantized(inputs[0]!) && !draft.quantized(inputs[1]!);

/** Does the file leave dimensions of an input open, from this one on? */
const isOpen = ({ graph }: GraphDraft, from = 0): boolean =>
  graph.inputs.some(({ shape }) => shape.slice(from).includes(DYNAMIC));

/**
 * Conv with a bias, Add of a tensor of the same shape: its sums begin with that. onnxruntime has to know that the shapes are
 * equal: of open heights and widths it does not, of open batches if they have a name.
 */
function joinAddends(draft: GraphDraft): void {
  if (isOpen(draft, 1)) return;
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
    if (isOpen(draft))
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

/** A constant that a MatMul's sums begin with, if its result has two dimensions: one for each column. */
const isBias = (constant: Constant | undefined, columns: number): constant is Constant =>
  constant?.type === 'float32' && constant.data.length === columns && constant.shape.at(-1) === columns;

/**
 * MatMul, Add: one operator. Its sums begin with the bias where the result has two dimensions, or the file says all; and with
 * anything else that is added where both have two.
 */
function joinBiases(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    const [x, w] = node.inputs as [string, string];
    const source = draft.constants.get(dequantized(draft, w) ?? w);
    if (!PRODUCTS.has(node.op) || draft.quantized(x) || draft.quantized(w) || source?.shape.length !== 2) continue;
    const attributes = { ...node.attributes, packed: Number(draft.constants.has(w)), open: Number(isOpen(draft)) };
    const packed = { ...node, attributes };
    const [output] = node.outputs as [string];
    const add = node.op === 'MatMul' ? draft.soleConsumer(output) : undefined;
    const other = add?.inputs.find((input) => input !== output);
    if (add?.op !== 'Add' || other === undefined) {
      draft.replace(node, [packed]);
      continue;
    }
    const constant = draft.constants.get(other);
    if (isBias(constant, source.shape[1]!) && constant.shape.length === 1) {
      draft.replace(node, []);
      draft.replace(add, [{ ...packed, inputs: [x, w, other], outputs: add.outputs }]);
    } else
      draft.replace(node, [{ ...packed, attributes: { ...attributes, added: constant?.data.length === 1 ? 0 : 1 } }]);
  }
}

/** What becomes of float32 convolutions and products, and what is right behind them. */
export function joinFloatProducts(draft: GraphDraft): void {
  joinBiases(draft);
  refuseFolded(draft);
  joinAddends(draft);
  joinClamps(draft);
}
