import { findEngine } from '../engines/index.ts';
import { isEngine } from '../engines/is_engine.ts';
import type { Graph } from '../graph/graph.ts';
import { optionsFor } from '../kernels/choose.ts';
import type { VariantOption } from '../kernels/variant.ts';
import { layerOf } from '../layers/infer.ts';
import { isLinear } from '../layers/layer.ts';
import { checkGraph, checkOptions, checkPlan } from './arguments.ts';
import { engineAsked, type PlanOptions } from './options.ts';
import { planGraph, type Plan } from './steps.ts';

export type { Plan } from './steps.ts';

/**
 * Plans an inference: fuses as the engine does, infers shapes, proves every requantization, chooses
 * kernels, assigns memory. Pure and synchronous; nothing unsupported gets past it.
 *
 * @throws UnsupportedModelError, InvalidModelError, InvalidInputError
 */
export function createPlan(graph: Graph, options: PlanOptions = {}): Plan {
  checkGraph(graph);
  checkOptions(options);
  const engine = engineAsked(graph, options);
  return planGraph(graph, { ...options, engine: isEngine(engine) ? engine : findEngine(engine) });
}

/**
 * Every kernel variant for a node of a plan, and whether it may compute it; empty where there is no choice.
 * `createPlan(graph, { profile: { ...profile, nodes: { [node]: choice } } })` makes a plan with one of them.
 */
export function variantsFor(plan: Plan, nodeName: string): readonly VariantOption[] {
  checkPlan(plan);
  const { graph, engine, features } = plan;
  const node = graph.nodes.find(({ name }) => name === nodeName);
  const layer = node && layerOf(node, graph, engine);
  return layer && isLinear(layer) ? optionsFor(layer, features) : [];
}
