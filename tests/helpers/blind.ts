import type { ElementData, Graph } from '../../src/graph/graph.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import type { Engine } from '../../src/engines/engine.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { Random } from '../../models/random.ts';
import { bindEngine, type BoundEngine } from '../../harness/explain/bound_engine.ts';
import type { Cause } from '../../harness/explain/explanation.ts';
import { explain } from '../../harness/explain/explain.ts';
import { layerProblem } from '../../harness/explain/layer_problem.ts';
import { plant } from './plant.ts';

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

export interface BlindResult {
  readonly model: string;
  readonly input: string;
  readonly layer: string;
  readonly planted: readonly Cause[];
  readonly found: readonly Cause[];
  readonly outcome: Outcome;
  readonly certain: boolean;
  readonly seconds: number;
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
export function blind({ model, input, graph, bound, reference }: Scene, random: Random): BlindResult {
  for (;;) {
    const node = random.pick(bound.graph.nodes);
    const name = node.outputs[0]!;
    const operands = new Map(
      node.inputs.flatMap((operand) => (reference.has(operand) ? [[operand, reference.get(operand)!]] : [])),
    );
    const expected = reference.get(name)!;
    const problem = layerProblem({ reference, theirs: new Map() }, bound, node, operands, {
      expected,
      theirs: expected,
    });
    const planted = problem && plant(problem, expected, random);
    if (!planted) continue;
    const started = performance.now();
    const [explained] = explain({
      graph,
      shapes: Object.fromEntries(bound.graph.inputs.map(({ name, shape }) => [name, shape])),
      reference,
      engines: [bound.engine],
      theirs: new Map([[name, planted.theirs]]),
      layer: name,
    }).layers;
    const { explanation, reproduced } = explained!;
    const isReproduced = planted.theirs.every((v: number | bigint, i: number) => reproduced?.(i) === v);
    return {
      model,
      input,
      layer: name,
      planted: planted.causes,
      found: explanation.causes,
      outcome: outcomeOf(planted.causes, explanation.causes, explanation.exact, explanation.certain, isReproduced),
      certain: explanation.certain,
      seconds: (performance.now() - started) / 1000,
    };
  }
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
