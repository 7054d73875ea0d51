import { UnsupportedModelError } from '../../src/errors.ts';
import type { ElementData, Graph, GraphNode } from '../../src/graph/graph.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import type { Engine } from '../../src/engines/engine.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { Random } from '../../models/random.ts';
import { bindEngine, type BoundEngine } from '../../harness/explain/bound_engine.ts';
import type { Cause } from '../../harness/explain/explanation.ts';
import { explain } from '../../harness/explain/explain.ts';
import { layerProblem } from '../../harness/explain/layer_problem.ts';
import { plant, type Plant } from './plant.ts';

/** A model on a picture, and everything that the reference computes of it. */
export interface Scene {
  readonly model: string;
  readonly input: string;
  readonly graph: Graph;
  readonly bound: BoundEngine;
  readonly reference: ReadonlyMap<string, ElementData>;
}

/**
 * - named: the planted set itself;
 * - variant: the planted kinds, done in another way that gives the same values, all of them;
 * - equivalent: other kinds, no more of them, that give the same values, all of them;
 * - uncertain: no set that gives them, and it says so;
 * - wrong: anything else.
 */
export type Outcome = 'named' | 'variant' | 'equivalent' | 'uncertain' | 'wrong';

/**
 * How people come to a layer's tensor: it is all that their file has; it was computed from the reference's own inputs (a
 * golden test vector), beside a wrong layer before it; or from what that layer gave.
 */
export type Setting = 'alone' | 'from golden inputs' | 'from own inputs';

export interface BlindResult {
  readonly model: string;
  readonly engine: string;
  readonly setting: Setting;
  readonly input: string;
  readonly layer: string;
  readonly planted: readonly Cause[];
  readonly found: readonly Cause[];
  readonly outcome: Outcome;
  readonly certain: boolean;
  readonly seconds: number;
  /** Sets drawn before that were not the smallest that gives their values: explained by a smaller one, every value. */
  readonly smaller: number;
}

export function createScene(
  model: string,
  input: string,
  graph: Graph,
  engine: Engine,
  feeds: Readonly<Record<string, Tensor>>,
): Scene {
  const shapes = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
  const bound = bindEngine(graph, engine, shapes);
  const { tensors } = referenceTrace({ graph: bound.graph, engine }, feeds);
  return { model, input, graph, bound, reference: new Map(tensors.map(({ name, data }) => [name, data])) };
}

/** Plants deviations into a layer drawn at random, and has them explained by somebody who does not know. */
export function blind(scene: Scene, random: Random): BlindResult {
  const { model, input, graph, bound, reference } = scene;
  for (let smaller = 0; ;) {
    const node = random.pick(bound.graph.nodes);
    const name = node.outputs[0]!;
    const wanted = random.pick<Setting>(['alone', 'from golden inputs', 'from own inputs']);
    const before = wanted === 'alone' ? undefined : plantBefore(scene, node, random);
    const setting = before ? wanted : 'alone';
    const values = new Map([...reference, ...(setting === 'from own inputs' ? before! : [])]);
    const planted = plantInto(scene, node, values, random, new Map(before));
    if (!planted) continue;
    const started = performance.now();
    const [explained] = explain({
      graph,
      shapes: Object.fromEntries(bound.graph.inputs.map(({ name, shape }) => [name, shape])),
      reference,
      engines: [bound.engine],
      theirs: new Map([...(before ?? []), [name, planted.theirs]]),
      layer: name,
    }).layers;
    // what is wrong twice may be right
    if (!explained) continue;
    const { explanation, reproduced } = explained;
    const { causes, exact, certain } = explanation;
    const isReproduced = planted.theirs.every((v: number | bigint, i: number) => reproduced?.(i) === v);
    if (exact && isReproduced && causes.length < planted.causes.length) {
      smaller++;
      continue;
    }
    return {
      ...{ model, input, setting, certain, smaller },
      engine: bound.engine.name,
      layer: name,
      planted: planted.causes,
      found: causes,
      outcome: outcomeOf(planted.causes, causes, exact, certain, isReproduced),
      seconds: (performance.now() - started) / 1000,
    };
  }
}

/** Deviations in a layer that is computed from some values, as far as they agree with what else their file has. */
function plantInto(
  { bound, reference }: Scene,
  node: GraphNode,
  values: ReadonlyMap<string, ElementData>,
  random: Random,
  theirs: ReadonlyMap<string, ElementData> = new Map(),
): Plant | undefined {
  const operands = new Map(
    node.inputs.flatMap((operand) => (values.has(operand) ? [[operand, values.get(operand)!]] : [])),
  );
  const expected = bound.run(node, (operand) => operands.get(operand)!);
  try {
    const problem = layerProblem({ reference, theirs }, bound, node, operands, { expected, theirs: expected });
    return problem && plant(problem, expected, random);
  } catch (error) {
    // no ways are known to do what the engine does
    if (error instanceof UnsupportedModelError) return undefined;
    throw error;
  }
}

/** A wrong layer before another one: the tensor that it computes. */
function plantBefore(scene: Scene, { inputs }: GraphNode, random: Random): [string, ElementData][] | undefined {
  const { bound, reference } = scene;
  const node = bound.graph.nodes.find(({ outputs }) => inputs.includes(outputs[0]!));
  const planted = node && plantInto(scene, node, reference, random);
  return planted && [[node.outputs[0]!, planted.theirs]];
}

function outcomeOf(
  planted: readonly Cause[],
  found: readonly Cause[],
  exact: boolean,
  certain: boolean,
  isReproduced: boolean,
): Outcome {
  if (!exact) return certain ? 'wrong' : 'uncertain';
  if (!isReproduced || found.length > planted.length) return 'wrong';
  const details = (causes: readonly Cause[]): string =>
    causes.map(({ side, detail }) => `${side} ${detail}`).join('\n');
  const kinds = (causes: readonly Cause[]): string => causes.map(({ side, kind }) => `${side} ${kind}`).join('\n');
  if (details(planted) === details(found)) return 'named';
  return kinds(planted) === kinds(found) ? 'variant' : 'equivalent';
}
