import { isByteType, type ElementData, type GraphNode } from '../../src/graph/graph.ts';
import { linearOf } from '../../src/layers/infer.ts';
import type { BoundEngine } from './bound_engine.ts';
import { addProblem } from './families/add.ts';
import type { ElementwiseQuestion } from './families/elementwise.ts';
import { linearProblem } from './families/linear.ts';
import { poolProblem } from './families/pool.ts';
import { quantizeProblem } from './families/quantize.ts';
import type { Problem } from './problem.ts';
import { ownQuantizations, quantizer, type OwnQuantization } from './ways/input_quantization.ts';

export interface Quantized {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** What is known of the network's input: tensors by name. */
export interface InputQuestion {
  readonly reference: ReadonlyMap<string, ElementData>;
  readonly theirs: ReadonlyMap<string, ElementData>;
  /** What their file says of its own quantization. */
  readonly theirQuantization?: ReadonlyMap<string, Quantized>;
}

const same = (a: ElementData, b: ElementData): boolean => a.every((v: number | bigint, i: number) => v === b[i]);

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
  outputs: ElementwiseQuestion,
): Problem | undefined {
  const input = node.inputs[0]!;
  const { type } = bound.graph.tensors.get(node.outputs[0]!)!;
  if (node.op === 'Add' && isByteType(type)) return addProblem(node, bound, operands, outputs);
  if (node.op === 'GlobalAveragePool') return poolProblem(node, bound, operands, outputs);
  if (node.op === 'QuantizeLinear')
    return quantizeProblem(node, bound, operands, outputs, ownParameters(question, bound, node));
  const linear = linearOf(node, bound.context);
  if (!linear) return undefined;
  return linearProblem({
    linear,
    engine: bound.engine,
    x: operands.get(input)!,
    theirs: outputs.theirs,
    own: ownInputs(question, bound, input, operands.get(input)!),
    staleZeroPoints: staleZeroPoints(bound, node),
  });
}

/** Zero points of the tensors before a layer's input. */
function staleZeroPoints(bound: BoundEngine, node: GraphNode): number[] {
  const producer = bound.graph.nodes.find(({ outputs }) => outputs[0] === node.inputs[0]);
  return (producer?.inputs ?? []).flatMap((name) => {
    const info = bound.graph.tensors.get(name);
    return info && isByteType(info.type) && info.quantization ? [info.quantization.zeroPoint[0]!] : [];
  });
}

/** Parameters of their own for a quantize of the network's input. */
function ownParameters(question: InputQuestion, bound: BoundEngine, node: GraphNode): OwnQuantization[] {
  const { theirs, ...rest } = question;
  const withoutResult = new Map([...theirs].filter(([name]) => name !== node.outputs[0]));
  const name = node.outputs[0]!;
  return ownInputs({ ...rest, theirs: withoutResult }, bound, name, new Uint8Array(0));
}

/** Quantizations of their own, where a tensor is the quantized input of the network. */
function ownInputs(question: InputQuestion, bound: BoundEngine, name: string, x: ElementData): OwnQuantization[] {
  const quantize = bound.graph.nodes.find(({ outputs }) => outputs[0] === name);
  const { type } = bound.graph.tensors.get(name)!;
  if (!isByteType(type)) return [];
  const said = question.theirQuantization?.get(name);
  const real =
    quantize?.op === 'QuantizeLinear' && bound.graph.inputs.some((input) => input.name === quantize.inputs[0])
      ? (question.theirs.get(quantize.inputs[0]!) ?? question.reference.get(quantize.inputs[0]!))
      : undefined;
  const given = question.theirs.get(name);
  const named: OwnQuantization[] = said
    ? [
        {
          id: 'their-qparams',
          detail: 'the parameters that their file gives',
          ...said,
          x: given || !real ? () => x : quantizer(real as Float32Array, type, said.scale, said.zeroPoint),
        },
      ]
    : [];
  const derived = real ? ownQuantizations(real as Float32Array, type) : [];
  // where their file has the quantized tensor, it is known; only its scale and zero point are not
  return [
    ...named,
    ...(given ? derived.filter((q) => same(q.x(), given)).map((q) => ({ ...q, x: () => given })) : derived),
  ];
}
