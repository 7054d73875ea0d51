import { f32 } from '../../engines/rounding.ts';
import type { GraphDraft } from '../../graph/draft.ts';
import type { GraphNode } from '../../graph/graph.ts';
import { Expansion } from './expansion.ts';

/** How near a constant has to be to the one that onnxruntime looks for. */
const isNear = (value: number, wanted: number): boolean =>
  Math.abs(f32(value - wanted)) <= f32(f32(1e-8) + f32(f32(1e-5) * wanted));

/** Square roots of 2; the second is what some models write. */
const ROOTS = [Math.SQRT2, 1.4142099618911743].map(f32);

/** The other operand, where a node has this one and a constant near one of `wanted`. */
function beside(draft: GraphDraft, node: GraphNode, wanted: readonly number[]): string | undefined {
  const at = node.inputs.findIndex((input) => {
    const constant = draft.constants.get(input);
    if (constant?.type !== 'float32' || constant.data.length !== 1) return false;
    return wanted.some((one) => isNear(Number(constant.data[0]), one));
  });
  return at < 0 || node.inputs.length !== 2 ? undefined : node.inputs[1 - at];
}

/** The node behind another, if it is the only one and such a one: copies before it, which nobody needs, are gone by then. */
function behind(draft: GraphDraft, node: GraphNode, op: string): GraphNode | undefined {
  const [output] = node.outputs as [string];
  const users = draft.consumers(output);
  const next = users.pop();
  const isCopy = ({ op, inputs, outputs: [copy] }: GraphNode): boolean =>
    op === next!.op && inputs.join() === next!.inputs.join() && draft.edges(copy!) === 0 && !draft.isOutput(copy!);
  const isAlone = next?.op === op && draft.edges(output) === users.length + 1 && !draft.isOutput(output);
  return isAlone && users.every(isCopy) ? next : undefined;
}

/** x times the Sigmoid of it, or of a multiple of it, is one operator, too, and no Mul any more. */
function isQuickGelu(draft: GraphDraft, product: GraphNode): boolean {
  return product.inputs.some((input, i) => {
    const sigmoid = draft.producer(input);
    if (sigmoid?.op !== 'Sigmoid' || draft.soleConsumer(input) !== product) return false;
    const [argument] = sigmoid.inputs as [string];
    const [x] = product.inputs.toSpliced(i, 1) as [string];
    const scaled = draft.producer(argument);
    return argument === x || (scaled?.op === 'Mul' && scaled.inputs.includes(x));
  });
}

/** Is x a product? A HardSwish ends in one. */
function isProduct(draft: GraphDraft, x: string, joined: ReadonlySet<string>): boolean {
  const node = draft.producer(x);
  return node?.op === 'HardSwish' || (node?.op === 'Mul' && !joined.has(x) && !isQuickGelu(draft, node));
}

/**
 * What a GELU that begins at a Div ends at, and the nodes between. A DequantizeLinear is one for each of its users, which
 * are no GELU of one tensor; and of a product, where a half is taken at the end, onnxruntime takes that for the half.
 *
 * @param joined what is a GELU
 */
function geluFrom(
  draft: GraphDraft,
  divide: GraphNode,
  joined: ReadonlySet<string>,
): { nodes: GraphNode[]; end: GraphNode } | undefined {
  const [x, root] = divide.inputs;
  if (divide.op !== 'Div' || beside(draft, divide, ROOTS) !== x || root === undefined) return undefined;
  if (draft.producer(x)?.op === 'DequantizeLinear') return undefined;
  const erf = behind(draft, divide, 'Erf');
  const add = erf && behind(draft, erf, 'Add');
  const product = add && beside(draft, add, [1]) === erf.outputs[0] ? behind(draft, add, 'Mul') : undefined;
  const other = product?.inputs.find((input) => input !== add!.outputs[0]);
  if (!product || other === undefined) return undefined;
  const nodes = [divide, erf!, add!];
  const half = draft.producer(other);
  if (half?.op === 'Mul' && beside(draft, half, [0.5]) === x && behind(draft, half, 'Mul') === product)
    return { nodes: [...nodes, half], end: product };
  const end = other === x && !isProduct(draft, x, joined) ? behind(draft, product, 'Mul') : undefined;
  return end && beside(draft, end, [0.5]) === product.outputs[0] ? { nodes: [...nodes, product], end } : undefined;
}

/**
 * Of x * (1 + erf(x / sqrt 2)) / 2 onnxruntime makes one operator, f32(x / 2) * f32(1 + erf(f32(x * f32(1 / sqrt 2)))):
 * measured on onnxruntime-web 1.30, with constants up to 1e-5 away from these.
 */
export function joinGelus(draft: GraphDraft): void {
  const joined = new Set<string>();
  for (const divide of [...draft.nodes]) {
    const gelu = geluFrom(draft, divide, joined);
    if (!gelu) continue;
    joined.add(gelu.end.outputs[0]!);
    const [x] = divide.inputs as [string];
    const { nodes, end } = gelu;
    const copies = nodes.flatMap(({ outputs }) => draft.consumers(outputs[0]!));
    for (const node of new Set([...nodes, ...copies])) if (node !== end) draft.replace(node, []);
    const expansion = new Expansion(draft, gelu.end);
    const value = (v: number): string => expansion.constant(Float32Array.of(v));
    const erf = expansion.op('Erf', [expansion.op('Mul', [x, value(Math.SQRT1_2)])]);
    const half = expansion.op('Mul', [x, value(0.5)]);
    expansion.op('Mul', [half, expansion.op('Add', [erf, value(1)])]);
    expansion.end();
  }
}
