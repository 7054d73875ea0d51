import { isByteType, type ElementData, type GraphNode } from '../../src/graph/graph.ts';
import { linearOf as convOf } from '../../src/ops/conv.ts';
import { linearOf as gemmOf } from '../../src/ops/gemm.ts';
import type { Linear } from '../../src/ops/linear/linear.ts';
import type { Engine } from './engine.ts';
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

/** A convolution or a fully connected layer; undefined for other operators. */
export function linearOf(node: GraphNode, engine: Engine): Linear | undefined {
  if (node.op === 'Conv') return convOf(node, engine.context);
  return node.op === 'Gemm' || node.op === 'MatMul' ? gemmOf(node, engine.context) : undefined;
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
  engine: Engine,
  node: GraphNode,
  operands: ReadonlyMap<string, ElementData>,
  outputs: ElementwiseQuestion,
): Problem | undefined {
  const input = node.inputs[0]!;
  const { type } = engine.graph.tensors.get(node.outputs[0]!)!;
  if (node.op === 'Add' && isByteType(type)) return addProblem(node, engine, operands, outputs);
  if (node.op === 'GlobalAveragePool') return poolProblem(node, engine, operands, outputs);
  if (node.op === 'QuantizeLinear')
    return quantizeProblem(node, engine, operands, outputs, ownParameters(question, engine, node));
  const linear = linearOf(node, engine);
  if (!linear) return undefined;
  return linearProblem({
    linear,
    semantics: engine.semantics,
    x: operands.get(input)!,
    theirs: outputs.theirs,
    own: ownInputs(question, engine, input, operands.get(input)!),
    staleZeroPoints: staleZeroPoints(engine, node),
  });
}

/** Zero points of the tensors before a layer's input. */
function staleZeroPoints(engine: Engine, node: GraphNode): number[] {
  const producer = engine.graph.nodes.find(({ outputs }) => outputs[0] === node.inputs[0]);
  return (producer?.inputs ?? []).flatMap((name) => {
    const info = engine.graph.tensors.get(name);
    return info && isByteType(info.type) && info.quantization ? [info.quantization.zeroPoint[0]!] : [];
  });
}

/** Parameters of their own for a quantize of the network's input. */
function ownParameters(question: InputQuestion, engine: Engine, node: GraphNode): OwnQuantization[] {
  const { theirs, ...rest } = question;
  const withoutResult = new Map([...theirs].filter(([name]) => name !== node.outputs[0]));
  const name = node.outputs[0]!;
  return ownInputs({ ...rest, theirs: withoutResult }, engine, name, new Uint8Array(0));
}

/** Quantizations of their own, where a tensor is the quantized input of the network. */
function ownInputs(question: InputQuestion, engine: Engine, name: string, x: ElementData): OwnQuantization[] {
  const quantize = engine.graph.nodes.find(({ outputs }) => outputs[0] === name);
  const { type } = engine.graph.tensors.get(name)!;
  if (!isByteType(type)) return [];
  const said = question.theirQuantization?.get(name);
  const real =
    quantize?.op === 'QuantizeLinear' && engine.graph.inputs.some((input) => input.name === quantize.inputs[0])
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
