import { UnsupportedModelError } from '../../src/errors.ts';
import type { ElementData, Graph, GraphNode } from '../../src/graph/graph.ts';
import { contextOf, definitionOf, inferGraph, operatorOf } from '../../src/layers/infer.ts';
import { operandsOf, type OpContext, type TypedGraph } from '../../src/layers/operator.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { rewrite } from '../../src/rewrite/index.ts';

/** A graph under an engine, whose layers can be computed one by one. */
export interface BoundEngine {
  readonly engine: Engine;
  readonly graph: TypedGraph;
  readonly context: OpContext;
  run(node: GraphNode, operand: (name: string) => ElementData): ElementData;
}

export function bindEngine(
  graph: Graph,
  engine: Engine,
  shapes: Readonly<Record<string, readonly number[]>>,
): BoundEngine {
  const typed = inferGraph(rewrite(graph, engine), engine, shapes);
  const context = contextOf(typed, typed.tensors, engine);
  return {
    engine,
    graph: typed,
    context,
    run(node, operand) {
      const value = (index: number): ElementData => {
        const name = node.inputs[index]!;
        return context.constant(name)?.data ?? operand(name);
      };
      return operatorOf(node).reference(node, context, value).data;
    },
  };
}

/** Tensors that somebody computed, by name; undefined where one neither is there nor follows from the others. */
export type Values = (name: string) => ElementData | undefined;

/** Known tensors, and those that are the same values in another shape: whoever has one of the two has the other. */
export function withViews(
  { graph, context }: BoundEngine,
  known: ReadonlyMap<string, ElementData>,
): ReadonlyMap<string, ElementData> {
  const all = new Map(known);
  const views = graph.nodes
    .filter((node) => definitionOf(node, context)?.kind === 'reshape')
    .map(({ inputs, outputs }) => [inputs[0]!, outputs[0]!]);
  for (const [from, to] of views as [string, string][]) if (all.has(from) && !all.has(to)) all.set(to, all.get(from)!);
  for (const [from, to] of views.reverse() as [string, string][])
    if (all.has(to) && !all.has(from)) all.set(from, all.get(to)!);
  return all;
}

/**
 * Tensors that are known, and those that follow from them.
 *
 * @param known tensors by name
 * @param missing where 8-bit tensors come from that are not known, so that only those in float32 follow; without it all do
 */
export function valuesOf(bound: BoundEngine, known: ReadonlyMap<string, ElementData>, missing?: Values): Values {
  const { graph, context } = bound;
  const producers = new Map(graph.nodes.map((node) => [node.outputs[0]!, node]));
  const values = new Map(known);
  const compute = (node: GraphNode): ElementData | undefined =>
    operandsOf(node, context).every(get) ? bound.run(node, (name) => get(name)!) : undefined;
  const get = (name: string): ElementData | undefined => {
    const node = producers.get(name);
    const follows = node && (!missing || graph.tensors.get(name)?.type === 'float32');
    const found = values.get(name) ?? (follows ? compute(node) : missing?.(name));
    if (found) values.set(name, found);
    return found;
  };
  return get;
}

/** In how many elements two tensors of a shape differ, by their bits. */
export function countDiffering(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) count++;
  return count;
}

export interface Identified {
  readonly bound: BoundEngine;
  /** All engines that reproduce as much. */
  readonly equals: readonly string[];
  /** Tensors that no engine reproduces from the reference's own inputs; where there are any, `engine` is a guess. */
  readonly missed: readonly string[];
}

/**
 * Which engine made the reference: layer by layer, from the reference's own tensors, engines that miss what another
 * reproduces are dropped. Where none reproduces all, the one that misses fewest elements of those left is taken.
 *
 * @param candidates in the order of preference
 */
export function identifyEngine(
  graph: Graph,
  candidates: readonly Engine[],
  shapes: Readonly<Record<string, readonly number[]>>,
  reference: ReadonlyMap<string, ElementData>,
  progress: (what: string) => void,
): Identified {
  let refusal: unknown;
  let alive = candidates.flatMap((engine) => {
    try {
      const bound = bindEngine(graph, engine, shapes);
      return [{ bound, values: valuesOf(bound, withViews(bound, reference)), differing: 0 }];
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      refusal ??= error;
      return [];
    }
  });
  if (alive.length === 0) throw refusal;
  const missed: string[] = [];
  const names = new Set(alive.flatMap(({ bound }) => bound.graph.nodes.map((node) => node.outputs[0]!)));
  for (const name of names) {
    const expected = reference.get(name);
    if (!expected) continue;
    progress(`finding the reference's engine: ${name}`);
    const differing = alive.map(({ bound, values }) => {
      const node = bound.graph.nodes.find((node) => node.outputs[0] === name);
      if (!node || !operandsOf(node, bound.context).every(values)) return 0;
      try {
        return countDiffering(
          bound.run(node, (input) => values(input)!),
          expected,
        );
      } catch (error) {
        if (error instanceof UnsupportedModelError) return expected.length;
        throw error;
      }
    });
    const right = alive.filter((_, i) => differing[i] === 0);
    if (right.length > 0) alive = right;
    else {
      missed.push(name);
      alive = alive.map((candidate, i) => ({ ...candidate, differing: candidate.differing + differing[i]! }));
    }
  }
  const least = Math.min(...alive.map(({ differing }) => differing));
  const nearest = alive.filter(({ differing }) => differing === least);
  return { bound: nearest[0]!.bound, equals: nearest.map(({ bound }) => bound.engine.name), missed };
}
