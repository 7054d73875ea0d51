import { isByteType, type ElementData, type GraphNode } from '../../src/graph/graph.ts';
import type { ForDefinitions } from '../../src/layers/definition.ts';
import { definitionOf, forDefinition, operatorOf } from '../../src/layers/infer.ts';
import { makesBytes, type Layer, type LinearKind } from '../../src/layers/layer.ts';
import { biasedLinear } from '../vectors/biased.ts';
import type { BoundEngine } from './bound_engine.ts';
import { addProblem } from './families/add.ts';
import type { LayerQuestion } from './families/family.ts';
import { linearProblem } from './families/linear.ts';
import { poolProblem } from './families/pool.ts';
import { quantizeProblem } from './families/quantize.ts';
import type { Problem } from './problem.ts';
import { ownQuantizations, quantizer, sameBytes, type OwnQuantization } from './ways/input_quantization.ts';

export interface Quantized {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** What is known of the network's input: tensors by name. */
interface InputQuestion {
  readonly reference: ReadonlyMap<string, ElementData>;
  readonly theirs: ReadonlyMap<string, ElementData>;
  /** What their file says of its own quantization. */
  readonly theirQuantization?: ReadonlyMap<string, Quantized>;
}

/** The families that there are, by what is defined. */
const FAMILIES: ForDefinitions<[LayerQuestion], Problem> = {
  linear({ linear }, { bound, node, operands, theirs, own }) {
    const computed = operatorOf(node).layer(node, bound.context) as Layer<LinearKind>;
    return linearProblem({
      ...{ linear, engine: bound.engine, theirs, own },
      x: operands.get(node.inputs[0]!)!,
      staleZeroPoints: staleZeroPoints(bound, node),
      ...(makesBytes(computed) && { biased: biasedLinear(computed, linear.layer) }),
    });
  },
  add: addProblem,
  global_average_pool: poolProblem,
  quantize: quantizeProblem,
};

/**
 * The family of implementations of a layer; undefined for operators of which no ways are known.
 *
 * @param operands what the layer is computed from, by tensor name
 * @param outputs what the reference's engine computes from them, and what theirs has
 * @throws UnsupportedModelError where no combination of the known ways is what the engine does
 */
export function layerProblem(
  question: InputQuestion,
  bound: BoundEngine,
  node: GraphNode,
  operands: ReadonlyMap<string, ElementData>,
  outputs: Pick<LayerQuestion, 'expected' | 'theirs'>,
): Problem | undefined {
  const family = forDefinition(FAMILIES, node, bound.context);
  return family?.({ ...outputs, node, bound, operands, own: ownOf(question, bound, node, operands) });
}

/** Zero points of the tensors before a layer's input. */
function staleZeroPoints(bound: BoundEngine, node: GraphNode): number[] {
  const producer = bound.graph.nodes.find(({ outputs }) => outputs[0] === node.inputs[0]);
  return (producer?.inputs ?? []).flatMap((name) => {
    const info = bound.graph.tensors.get(name);
    return info && isByteType(info.type) && info.quantization ? [info.quantization.zeroPoint[0]!] : [];
  });
}

/** Quantizations of their own: of a layer's input; for a quantize, which takes their values as they are, of its output. */
function ownOf(
  question: InputQuestion,
  bound: BoundEngine,
  node: GraphNode,
  operands: ReadonlyMap<string, ElementData>,
): OwnQuantization[] {
  const [input, output] = [node.inputs[0]!, node.outputs[0]!];
  if (definitionOf(node, bound.context)?.kind !== 'quantize')
    return ownQuantizationsOf(question, bound, input, operands.get(input)!);
  const theirs = new Map([...question.theirs].filter(([name]) => name !== output));
  return ownQuantizationsOf({ ...question, theirs }, bound, output, new Uint8Array(0));
}

/** Where a tensor is the quantized input of the network: what their file says, and what follows from its range. */
function ownQuantizationsOf(
  question: InputQuestion,
  { graph, context }: BoundEngine,
  name: string,
  x: ElementData,
): OwnQuantization[] {
  const { theirs, reference, theirQuantization } = question;
  const { type } = graph.tensors.get(name)!;
  if (!isByteType(type)) return [];
  const producer = graph.nodes.find(({ outputs }) => outputs[0] === name);
  const from = producer && definitionOf(producer, context)?.kind === 'quantize' ? producer.inputs[0] : undefined;
  const isInput = from !== undefined && graph.inputs.some((input) => input.name === from);
  const real = (isInput ? (theirs.get(from) ?? reference.get(from)) : undefined) as Float32Array | undefined;
  const given = theirs.get(name);
  const said = theirQuantization?.get(name);
  const named = said && {
    id: 'their-qparams',
    detail: 'the parameters that their file gives',
    ...said,
    x: given || !real ? () => x : quantizer(real, { type, ...said }),
  };
  const derived = real ? ownQuantizations(real, type) : [];
  // where their file has the quantized tensor, it is known; only its scale and zero point are not
  const possible = given
    ? derived.filter((q) => sameBytes(q.x(), given)).map((q) => ({ ...q, x: () => given }))
    : derived;
  return [...(named ? [named] : []), ...possible];
}
