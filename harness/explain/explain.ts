import { InvalidInputError, UnsupportedModelError } from '../../src/errors.ts';
import type { ElementData, Graph, GraphNode } from '../../src/graph/graph.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { compareTensor } from '../compare/compare.ts';
import { attribute, describe, valuesOf as reproduce } from './attribute.ts';
import {
  bindEngine,
  countDiffering,
  identifyEngine,
  valuesOf,
  withViews,
  type BoundEngine,
  type Identified,
  type Values,
} from './bound_engine.ts';
import type { Cause, ExplainedLayer, LayerExplanation } from './explanation.ts';
import { layerProblem, type Quantized } from './layer_problem.ts';
import { linearOf } from '../../src/layers/infer.ts';
import { operandsOf } from '../../src/layers/operator.ts';
import { nearest } from './nearest.ts';
import { deviations, type Problem, type Recipe } from './problem.ts';
import { classOf } from './summary.ts';
import { search, type SearchLimits } from './search.ts';
import { borderOf, findWhere } from './where.ts';

/** Two computations of one model, tensors by the graph's names, NCHW. */
export interface Question {
  readonly graph: Graph;
  /** Shapes of the graph's inputs. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The model's inputs among them; what is missing is computed. */
  readonly reference: ReadonlyMap<string, ElementData>;
  /** Engines that may have made the reference, in the order of preference. */
  readonly engines: readonly Engine[];
  readonly theirs: ReadonlyMap<string, ElementData>;
  /** Those of `theirs` that had values outside of their type before they were clamped for it: as they were, int32. */
  readonly unclamped?: ReadonlyMap<string, ElementData>;
  /** Whose inputs their layers were computed from; without it both are tried. */
  readonly inputs?: 'theirs' | 'reference';
  /** What their file says of its own quantization. */
  readonly theirQuantization?: ReadonlyMap<string, Quantized>;
  /** Engines whose arithmetic theirs may follow, where that is not the reference's; default: `engines`. */
  readonly theirEngines?: readonly Engine[];
  /** Only this tensor. */
  readonly layer?: string;
  /** How far sets of deviations are searched; default: `LIMITS`. */
  readonly limits?: SearchLimits;
  readonly progress?: (what: string) => void;
}

export interface Explanation {
  readonly identified: Identified;
  /** Tensors that both have, in the order of execution. */
  readonly compared: readonly string[];
  /** What each of them is: depthwise, pointwise, add, ... */
  readonly classes: ReadonlyMap<string, string>;
  /** Explains one layer after the other; only those that differ. */
  readonly layers: Generator<ExplainedLayer, void>;
}

/** Sets of deviations up to this size are tried, as long as it does not take more tries than this. */
const LIMITS: SearchLimits = { most: 6, tries: 2e6, products: 6e9 };
/** Of another engine than the reference's: theirs is of it, or it is not. */
const LIMITS_OF_OTHERS: SearchLimits = { most: 2, tries: 2e5, products: 1e9 };

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
  const { bound } = identified;
  const reference = withViews(bound, question.reference);
  const theirs = withViews(bound, question.theirs);
  const compared = bound.graph.nodes
    .map((node) => node.outputs[0]!)
    .filter((name) => theirs.has(name) && (question.layer ?? name) === name);
  const isEngineKnown = identified.missed.length === 0;
  const others = otherEngines(question, bound);
  const layers = explainLayers({ ...question, reference, theirs, isEngineKnown }, bound, compared, others);
  const nodes = new Map(bound.graph.nodes.map((node) => [node.outputs[0]!, node]));
  const classes = new Map(compared.map((name) => [name, classOf(nodes.get(name)!, bound)]));
  return { identified, compared, classes, layers };
}

/** The graph under other engines than the reference's, and all that they compute from the network's inputs. */
function otherEngines(
  { graph, engines, theirEngines = engines, shapes, reference }: Question,
  { engine: { name: own } }: BoundEngine,
): () => readonly OtherEngine[] {
  let known: OtherEngine[] | undefined;
  const inputs = new Map(
    graph.inputs.flatMap(({ name }) => (reference.has(name) ? [[name, reference.get(name)!]] : [])),
  );
  return () =>
    (known ??= theirEngines.flatMap((engine) => {
      if (engine.name === own || inputs.size < graph.inputs.length) return [];
      const bound = whereSupported(() => bindEngine(graph, engine, shapes));
      return bound ? [{ bound, values: valuesOf(bound, inputs) }] : [];
    }));
}

/** Undefined where an engine does not compute it. */
function whereSupported<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
    return undefined;
  }
}

interface OtherEngine {
  readonly bound: BoundEngine;
  readonly values: Values;
}

function* explainLayers(
  question: Question & { readonly isEngineKnown: boolean },
  bound: BoundEngine,
  compared: readonly string[],
  engines: () => readonly OtherEngine[],
): Generator<ExplainedLayer, void> {
  const { reference, theirs, progress = () => undefined } = question;
  const ours = valuesOf(bound, reference);
  const others = valuesOf(bound, theirs, ours);
  for (const [i, name] of compared.entries()) {
    progress(`explaining ${name} (${i + 1} of ${compared.length})`);
    const node = bound.graph.nodes.find((node) => node.outputs[0] === name)!;
    const explained = explainLayer(question, bound, node, ours, others, engines);
    if (explained) yield explained;
  }
}

/** Their values of a layer, as they were before somebody clamped them. */
const theirsOf = ({ theirs, unclamped }: Question, name: string): ElementData =>
  unclamped?.get(name) ?? theirs.get(name)!;

const same = (a: ElementData, b: ElementData): boolean => a === b || countDiffering(a, b) === 0;

function explainLayer(
  question: Question & { readonly isEngineKnown: boolean },
  bound: BoundEngine,
  node: GraphNode,
  ours: Values,
  others: Values,
  engines: () => readonly OtherEngine[],
): ExplainedLayer | undefined {
  const name = node.outputs[0]!;
  const info = bound.graph.tensors.get(name)!;
  const theirs = theirsOf(question, name);
  const operandNames = [...new Set(operandsOf(node, bound.context))];
  for (const operand of operandNames)
    if (!others(operand) || !ours(operand))
      throw new InvalidInputError(`'${name}' is computed from '${operand}', which nobody has: say --input or --image`);
  const reference = ours(name)!;
  if (same(reference, theirs)) return undefined;

  const read = (inputs: Reading['inputs'], values: Values, by = { bound, node }): Reading => {
    const operands = new Map(operandNames.map((input) => [input, values(input)!]));
    const expected = by.bound.run(by.node, (input) => operands.get(input)!);
    // a value that equals the reference's is nobody's mistake, whatever its inputs would give
    const own = expected.slice();
    for (let i = 0; i < own.length; i++) if (Object.is(theirs[i], reference[i])) own[i] = theirs[i]!;
    return { inputs, operands, expected, own, differing: countDiffering(expected, theirs) };
  };
  const sameInputs = operandNames.every((input) => same(others(input)!, ours(input)!));
  const fromReference = read(sameInputs ? 'same' : 'reference', ours);
  const readings = sameInputs
    ? [fromReference]
    : question.inputs === 'reference'
      ? [fromReference]
      : question.inputs === 'theirs'
        ? [read('theirs', others)]
        : [read('theirs', others), fromReference];
  const best = bestReading(question, bound, node, readings);
  const isExplained = best.why?.found.exact !== false;
  const other = isExplained ? undefined : followedEngine(question, node, { ours, others }, engines(), read);
  const { reading, why } = other ?? best;
  const { inputs, operands, expected, own } = reading;
  const { engine } = other?.bound ?? bound;

  const compare = (other: ElementData) => compareTensor({ ...info, data: other }, { ...info, data: theirs }, node.op);
  const [endToEnd, itself] = [compare(reference), compare(own)];
  const isBorder = borderOf(linearOf(node, bound.context));
  const { found, reproduced } = why ?? { ...NOTHING_WRONG, reproduced: (element: number) => Number(expected[element]) };
  const notes = [...found.notes];
  if (!same(fromReference.expected, reference))
    notes.push(`the engine ${bound.engine.name} does not reproduce the reference in this layer either`);
  return {
    ...{ info, reference, theirs, expected, own, operands },
    ...(reproduced ? { reproduced } : {}),
    explanation: {
      name,
      node: node.name,
      op: node.op,
      shape: info.shape,
      engine: engine.name,
      ...(other && { follows: engine.name }),
      inputs,
      ...(readings.length > 1 &&
        !other && {
          differing: Object.fromEntries(readings.map(({ inputs, differing }) => [inputs, differing])),
        }),
      origin: why || other ? 'own' : inputs === 'theirs' ? 'inherited' : 'reference',
      elements: theirs.length,
      mismatches: endToEnd.mismatches,
      maxAbsDiff: endToEnd.maxAbsDiff,
      ownMismatches: itself.mismatches,
      ownMaxAbsDiff: itself.maxAbsDiff,
      where: findWhere(info, reference, theirs, isBorder),
      ownWhere: findWhere(info, own, theirs, isBorder),
      ...found,
      certain: found.certain && question.isEngineKnown,
      notes,
    },
  };
}

/**
 * Another engine that theirs follows, where the reference's does not explain it: from all that this computes from the network's
 * inputs, or from the reference's tensors. Engines that compute the same are looked at once.
 */
function followedEngine(
  question: Question,
  node: GraphNode,
  { ours, others }: { readonly ours: Values; readonly others: Values },
  engines: readonly OtherEngine[],
  read: (inputs: Reading['inputs'], values: Values, by: { bound: BoundEngine; node: GraphNode }) => Reading,
): { reading: Reading; why?: Why; bound: BoundEngine } | undefined {
  const [name] = node.outputs as [string];
  const tried: Reading[] = [];
  for (const { bound, values } of engines) {
    const other = bound.graph.nodes.find(({ outputs }) => outputs[0] === name);
    if (other?.op !== node.op) continue;
    const sources = [
      ['engine', values],
      ['theirs', others],
      ['reference', ours],
    ] as const;
    for (const [inputs, from] of sources) {
      const reading = whereSupported(() => read(inputs, from, { bound, node: other }));
      if (!reading || tried.some(({ expected }) => same(expected, reading.expected))) continue;
      tried.push(reading);
      question.progress?.(`explaining ${name}: as ${bound.engine.name}`);
      if (same(reading.own, theirsOf(question, name))) return { reading, bound };
      const why = findCauses({ ...question, limits: LIMITS_OF_OTHERS }, bound, other, reading);
      if (why.found.exact) return { reading, why: named(why, bound.engine.name), bound };
    }
  }
  return undefined;
}

/** What theirs is compared with is another engine then, and not the reference. */
function named(why: Why, engine: string): Why {
  const rename = (causes: readonly Cause[]): Cause[] =>
    causes.map((cause) => ({ ...cause, detail: cause.detail.replace('; the reference: ', `; ${engine}: `) }));
  const { found } = why;
  return {
    ...why,
    found: { ...found, causes: rename(found.causes), alternatives: found.alternatives.map(rename) },
  };
}

/** A layer as the reference's engine computes it from one side's inputs. */
interface Reading {
  readonly inputs: LayerExplanation['inputs'];
  readonly operands: ReadonlyMap<string, ElementData>;
  readonly expected: ElementData;
  /** What is expected, but theirs where that equals the reference. */
  readonly own: ElementData;
  readonly differing: number;
}

/**
 * People compute a layer from their own tensors, or from the reference's. Whose were used is read off the values: the
 * reading from which fewer differ is tried first, the other one where that does not explain them all; of two that do not,
 * the one that explains more is taken.
 *
 * @returns no `why` where nothing is left to explain
 */
function bestReading(
  question: Question,
  bound: BoundEngine,
  node: GraphNode,
  readings: readonly Reading[],
): { reading: Reading; why?: Why } {
  const theirs = theirsOf(question, node.outputs[0]!);
  let first: { reading: Reading; why: Why } | undefined;
  for (const reading of readings.toSorted((a, b) => a.differing - b.differing)) {
    if (same(reading.own, theirs)) return first ?? { reading };
    const why = findCauses(question, bound, node, reading);
    if (why.found.exact) return { reading, why };
    if (!first || why.found.unexplained < first.why.found.unexplained) first = { reading, why };
  }
  return first!;
}

interface Why {
  readonly found: Pick<LayerExplanation, 'causes' | 'alternatives' | 'exact' | 'unexplained' | 'certain' | 'notes'>;
  readonly reproduced?: (element: number) => number;
}

const NOTHING_WRONG: Why = {
  found: { causes: [], alternatives: [], exact: true, unexplained: 0, certain: true, notes: [] },
};

function findCauses(
  question: Question,
  bound: BoundEngine,
  node: GraphNode,
  { expected, own, operands }: Reading,
): Why {
  const theirs = theirsOf(question, node.outputs[0]!);
  const none = (note: string): Why => ({
    found: {
      ...{ causes: [], alternatives: [], exact: false, certain: false, notes: [note] },
      unexplained: countDiffering(expected, theirs),
    },
  });
  let problem: Problem | undefined;
  try {
    problem = layerProblem(question, bound, node, operands, { expected, theirs });
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
    return none(error.message);
  }
  if (!problem) return none(`no ways are known in which ${node.op} goes wrong`);
  const limits = question.limits ?? LIMITS;
  const result = search(problem, expected, limits);
  const best: Recipe | undefined = result.exact[0];
  const recipe = best ?? withoutIdle(problem, nearest(problem, expected, limits.most), own);
  const causes = attribute(problem, recipe, own);
  const values = reproduce(problem, recipe);
  const reproduced = (element: number): number => values[element]!;
  if (!best) {
    const none = `no set of up to ${result.searched} of the known deviations reproduces these values`;
    return {
      found: {
        ...{ causes, alternatives: [], exact: false, certain: false },
        unexplained: countDiffering(values, theirs),
        notes: [causes.length > 0 ? `${none}; the nearest that was found is shown` : none],
      },
      reproduced,
    };
  }
  const alternatives = result.exact.slice(1).map((recipe) => describe(problem, recipe));
  const kinds = (causes: readonly Cause[]): string =>
    causes
      .map(({ kind, side }) => `${kind} ${side}`)
      .sort()
      .join();
  const certain = alternatives.every((other) => kinds(other) === kinds(causes));
  return { found: { causes, alternatives, exact: true, unexplained: 0, certain, notes: [] }, reproduced };
}

/** A recipe without the deviations that account for no value: they are only fitted to what is left. */
function withoutIdle(problem: Problem, recipe: Recipe, own: ElementData): Recipe {
  const idle = attribute(problem, recipe, own).findIndex(({ elements }) => elements === 0);
  if (idle < 0) return recipe;
  const d = deviations(problem, recipe)[idle]!;
  return withoutIdle(problem, recipe.with(d, problem.dimensions[d]!.reference), own);
}
