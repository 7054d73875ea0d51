import { InvalidInputError, UnsupportedModelError } from '../../src/errors.ts';
import { isByteType, type ElementData, type Graph, type GraphNode } from '../../src/graph/graph.ts';
import { linearOf as convOf } from '../../src/ops/conv.ts';
import { linearOf as gemmOf } from '../../src/ops/gemm.ts';
import type { Linear } from '../../src/ops/linear/linear.ts';
import type { Semantics } from '../../src/semantics/semantics.ts';
import { compareTensor } from '../compare/compare.ts';
import { attribute, describe, valuesOf as reproduce } from './attribute.ts';
import { allValues, identifyEngine, valuesOf, type Engine, type Identified, type Values } from './engine.ts';
import type { Cause, ExplainedLayer, LayerExplanation } from './explanation.ts';
import { linearProblem } from './linear.ts';
import { nearest } from './nearest.ts';
import { deviations, type Problem, type Recipe } from './problem.ts';
import { search } from './search.ts';
import { ownQuantizations, quantizer, type OwnQuantization } from './ways/input_quantization.ts';
import { borderOf, findWhere } from './where.ts';

export interface Quantized {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Two computations of one model, tensors by the graph's names, NCHW. */
export interface Question {
  readonly graph: Graph;
  /** Shapes of the graph's inputs. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The model's inputs among them; what is missing is computed. */
  readonly reference: ReadonlyMap<string, ElementData>;
  /** Engines that may have made the reference, in the order of preference. */
  readonly engines: readonly Semantics[];
  readonly theirs: ReadonlyMap<string, ElementData>;
  /** What their file says of its own quantization. */
  readonly theirQuantization?: ReadonlyMap<string, Quantized>;
  /** Only this tensor. */
  readonly layer?: string;
  readonly progress?: (what: string) => void;
}

export interface Explanation {
  readonly identified: Identified;
  /** Tensors that both have, in the order of execution. */
  readonly compared: readonly string[];
  /** Explains one layer after the other; only those that differ. */
  readonly layers: Generator<ExplainedLayer, void>;
}

/** Sets of deviations up to this size are tried, as long as it does not take more tries than this. */
const LIMITS = { most: 6, tries: 5e6 };

/**
 * Explains why two computations of a model differ: names the reference's engine, then, layer by layer as `layers` is
 * asked, finds the smallest set of deviations that reproduces their values from their own inputs.
 *
 * @throws UnsupportedModelError where no engine can run the model; InvalidInputError (from `layers`) where a layer's
 * input is not there
 */
export function explain(question: Question): Explanation {
  const { graph, engines, shapes, reference, theirs, progress = () => undefined } = question;
  const identified = identifyEngine(graph, engines, shapes, reference, progress);
  const { engine } = identified;
  const compared = engine.graph.nodes
    .map((node) => node.outputs[0]!)
    .filter((name) => theirs.has(name) && (question.layer ?? name) === name);
  return { identified, compared, layers: explainLayers(question, engine, compared) };
}

function* explainLayers(
  question: Question,
  engine: Engine,
  compared: readonly string[],
): Generator<ExplainedLayer, void> {
  const { reference, theirs, progress = () => undefined } = question;
  const ours = allValues(engine, reference);
  const others = valuesOf(engine, theirs, ours.get);
  for (const [i, name] of compared.entries()) {
    progress(`explaining ${name} (${i + 1} of ${compared.length})`);
    const node = engine.graph.nodes.find((node) => node.outputs[0] === name)!;
    const explained = explainLayer(question, engine, node, ours, others);
    if (explained) yield explained;
  }
}

const same = (a: ElementData, b: ElementData): boolean => {
  if (a === b) return true;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
};

function linearOf(node: GraphNode, engine: Engine): Linear | undefined {
  if (node.op === 'Conv') return convOf(node, engine.context);
  return node.op === 'Gemm' || node.op === 'MatMul' ? gemmOf(node, engine.context) : undefined;
}

function explainLayer(
  question: Question,
  engine: Engine,
  node: GraphNode,
  ours: Values,
  others: Values,
): ExplainedLayer | undefined {
  const name = node.outputs[0]!;
  const info = engine.graph.tensors.get(name)!;
  const theirs = question.theirs.get(name)!;
  const operandNames = [...new Set(node.inputs)].filter((input) => input !== '' && !engine.context.constant(input));
  for (const operand of operandNames)
    if (!others.get(operand) || !ours.get(operand))
      throw new InvalidInputError(`'${name}' is computed from '${operand}', which nobody has: say --input or --image`);
  const reference = ours.get(name)!;
  const operands = new Map(operandNames.map((input) => [input, others.get(input)!]));
  const sameInputs = operandNames.every((input) => same(operands.get(input)!, ours.get(input)!));
  if (sameInputs && same(reference, theirs)) return undefined;

  const expected = engine.run(node, (input) => operands.get(input)!);
  const compare = (other: ElementData) => compareTensor({ ...info, data: other }, { ...info, data: theirs }, node.op);
  const endToEnd = compare(reference);
  const own = compare(expected);
  if (endToEnd.mismatches === 0 && own.mismatches === 0) return undefined;
  const linear = linearOf(node, engine);
  const isBorder = borderOf(linear);
  const notes: string[] = [];
  if (sameInputs && !same(expected, reference))
    notes.push(`the engine ${engine.semantics.name} does not reproduce the reference in this layer either`);
  const facts = {
    name,
    node: node.name,
    op: node.op,
    shape: info.shape,
    engine: engine.semantics.name,
    elements: theirs.length,
    mismatches: endToEnd.mismatches,
    maxAbsDiff: endToEnd.maxAbsDiff,
    ownMismatches: own.mismatches,
    ownMaxAbsDiff: own.maxAbsDiff,
    where: findWhere(info, reference, theirs, isBorder),
    ownWhere: findWhere(info, expected, theirs, isBorder),
  };
  const values = { info, reference, theirs, expected, operands };
  if (own.mismatches === 0)
    return {
      ...values,
      reproduced: (element) => Number(expected[element]),
      explanation: {
        ...facts,
        ...{ origin: 'inherited', causes: [], alternatives: [], exact: true, unexplained: 0, certain: true, notes },
      },
    };
  const why = findCauses(question, engine, node, linear, expected, operands, notes);
  return {
    ...values,
    ...(why.reproduced ? { reproduced: why.reproduced } : {}),
    explanation: { ...facts, origin: 'own', ...why.found, notes },
  };
}

interface Why {
  readonly found: Pick<LayerExplanation, 'causes' | 'alternatives' | 'exact' | 'unexplained' | 'certain'>;
  readonly reproduced?: (element: number) => number;
}

function findCauses(
  question: Question,
  engine: Engine,
  node: GraphNode,
  linear: Linear | undefined,
  expected: ElementData,
  operands: ReadonlyMap<string, ElementData>,
  notes: string[],
): Why {
  const theirs = question.theirs.get(node.outputs[0]!)!;
  const count = (other: (i: number) => unknown): number => {
    let differing = 0;
    for (let i = 0; i < theirs.length; i++) if (other(i) !== theirs[i]) differing++;
    return differing;
  };
  const none = (): Why => ({
    found: { causes: [], alternatives: [], exact: false, unexplained: count((i) => expected[i]), certain: false },
  });
  let problem: Problem | undefined;
  try {
    problem = problemOf(question, engine, node, linear, operands);
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
    notes.push(error.message);
    return none();
  }
  if (!problem) {
    notes.push(`no ways are known in which ${node.op} goes wrong`);
    return none();
  }
  const result = search(problem, expected, LIMITS);
  const best: Recipe | undefined = result.exact[0];
  if (!best) {
    const near = nearest(problem, expected, LIMITS.most);
    const values = reproduce(problem, near);
    notes.push(
      `no set of up to ${result.searched} of the known deviations reproduces these values` +
        (deviations(problem, near).length > 0 ? '; the nearest that was found is shown' : ''),
    );
    return {
      found: {
        causes: attribute(problem, near, expected),
        alternatives: [],
        exact: false,
        unexplained: count((i) => values[i]),
        certain: false,
      },
      reproduced: (element) => values[element]!,
    };
  }
  const values = reproduce(problem, best);
  const alternatives = result.exact.slice(1).map((recipe) => describe(problem, recipe));
  const kinds = (causes: readonly Cause[]): string =>
    causes
      .map(({ kind, side }) => `${kind} ${side}`)
      .sort()
      .join();
  const causes = attribute(problem, best, expected);
  return {
    found: {
      causes,
      alternatives,
      exact: true,
      unexplained: 0,
      certain: alternatives.every((other) => kinds(other) === kinds(causes)),
    },
    reproduced: (element) => values[element]!,
  };
}

function problemOf(
  question: Question,
  engine: Engine,
  node: GraphNode,
  linear: Linear | undefined,
  operands: ReadonlyMap<string, ElementData>,
): Problem | undefined {
  const theirs = question.theirs.get(node.outputs[0]!)!;
  if (!linear) return undefined;
  const input = node.inputs[0]!;
  return linearProblem({
    linear,
    semantics: engine.semantics,
    x: operands.get(input)!,
    theirs,
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

/** Quantizations of their own, where a tensor is the quantized input of the network. */
function ownInputs(question: Question, engine: Engine, name: string, x: ElementData): OwnQuantization[] {
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
