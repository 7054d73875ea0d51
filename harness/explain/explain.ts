import { InvalidInputError, UnsupportedModelError } from '../../src/errors.ts';
import type { ElementData, Graph, GraphNode } from '../../src/graph/graph.ts';
import type { Semantics } from '../../src/semantics/semantics.ts';
import { compareTensor } from '../compare/compare.ts';
import { attribute, describe, valuesOf as reproduce } from './attribute.ts';
import { allValues, identifyEngine, valuesOf, withViews, type Engine, type Identified, type Values } from './engine.ts';
import type { Cause, ExplainedLayer, LayerExplanation } from './explanation.ts';
import { layerProblem, linearOf, type Quantized } from './layer_problem.ts';
import { nearest } from './nearest.ts';
import { deviations, type Problem, type Recipe } from './problem.ts';
import { search } from './search.ts';
import { borderOf, findWhere } from './where.ts';

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
const LIMITS = { most: 6, tries: 2e6 };

/**
 * Explains why two computations of a model differ: names the reference's engine, then, layer by layer as `layers` is
 * asked, finds the smallest set of deviations that reproduces their values from their own inputs.
 *
 * @throws UnsupportedModelError where no engine can run the model; InvalidInputError (from `layers`) where a layer's
 * input is not there
 */
export function explain(question: Question): Explanation {
  const { graph, engines, shapes, progress = () => undefined } = question;
  const identified = identifyEngine(graph, engines, shapes, question.reference, progress);
  const { engine } = identified;
  const reference = withViews(engine, question.reference);
  const theirs = withViews(engine, question.theirs);
  const compared = engine.graph.nodes
    .map((node) => node.outputs[0]!)
    .filter((name) => theirs.has(name) && (question.layer ?? name) === name);
  return { identified, compared, layers: explainLayers({ ...question, reference, theirs }, engine, compared) };
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
  const why = findCauses(question, engine, node, expected, operands, notes);
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
    problem = layerProblem(question, engine, node, operands, { expected, theirs });
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
