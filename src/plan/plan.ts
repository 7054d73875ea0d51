import { findEngine, isEngine } from '../engines/index.ts';
import type { Engine } from '../engines/engine.ts';
import { BUDGET, Spending } from '../graph/budget.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { withLengths } from '../kernels/software/lengths.ts';
import { contextOf, inferGraph, opOf } from '../ops/infer.ts';
import { DEFAULT_FEATURES, type Features } from '../ops/features.ts';
import { label, type TypedGraph } from '../ops/op.ts';
import type { Step } from '../ops/step.ts';
import type { VariantOption } from '../ops/variant.ts';
import { checkGraph, checkOptions, checkPlan } from './arguments.ts';
import { assignBuffers } from './buffers.ts';
import { fuseSteps, type Fusion } from './fuse/index.ts';
import { DEFAULT_PROFILES, plainPreferences, preferencesOf, type Profile } from './profile.ts';
import { rewrite } from '../rewrite/index.ts';

export interface PlanOptions {
  /** The engine whose bits are computed: a name, or an engine of the caller's own. Default: the one the file is for. */
  readonly engine?: string | Engine;
  /** Another name of `engine`. */
  readonly semantics?: string | Engine;
  /** Shapes of inputs whose dimensions the model leaves open. An open batch is 1 without. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** What the device offers, and kernels may use. Default: what every device has, and the packed dot product. */
  readonly features?: Features;
  /** Which kernel variant computes which layer. Default: the one for GPUs. Never changes a result. */
  readonly profile?: Profile;
  /** How far steps are joined: see Fusion. Never changes a result. Default: that of a profile that is given, else 'none'. */
  readonly fusion?: Fusion;
}

/** A whole inference as plain data: it can be printed, costed, compared and tested without a GPU. */
export interface Plan {
  readonly engine: Engine;
  /** Another name of `engine`. */
  readonly semantics: Engine;
  readonly features: Features;
  readonly profile: Profile;
  readonly fusion: Fusion;
  /** Fused as the engine fuses it, every type and shape known. */
  readonly graph: TypedGraph;
  /** One dispatch each, in order. */
  readonly steps: readonly Step[];
  /** Tensors that are other tensors in another shape, and which. */
  readonly views: ReadonlyMap<string, string>;
  /** Where each tensor lives: index into `buffers`. Tensors whose lives do not overlap share one. */
  readonly bufferOf: ReadonlyMap<string, number>;
  /** Bytes of each buffer. */
  readonly buffers: readonly number[];
}

/**
 * Plans an inference: fuses as the engine does, infers shapes, proves every requantization, chooses
 * kernels, assigns memory. Pure and synchronous; nothing unsupported gets past it.
 *
 * @throws UnsupportedModelError, InvalidModelError, InvalidInputError
 */
export function createPlan(graph: Graph, options: PlanOptions = {}): Plan {
  const planning = planSteps(graph, options);
  for (;;) {
    const next = planning.next();
    if (next.done) return next.value;
  }
}

/**
 * The same step by step: yields each step as soon as it is final, so that its pipeline can be compiled while the rest
 * is planned. Where steps are fused, none is final before the end.
 *
 * @throws as createPlan
 */
export function* planSteps(graph: Graph, options: PlanOptions = {}): Generator<Step, Plan> {
  checkGraph(graph);
  checkOptions(options);
  const wanted = options.engine ?? options.semantics ?? graph.engine;
  const engine = isEngine(wanted) ? wanted : findEngine(wanted);
  const fused = rewrite(graph, engine);
  const typed = inferGraph(fused, engine, options.shapes);
  const features = options.features ?? DEFAULT_FEATURES;
  const profile = options.profile ?? DEFAULT_PROFILES.gpu;
  const fusion = options.fusion ?? options.profile?.fusion ?? 'none';
  const context = contextOf(typed, fused.tensors, engine, features, preferencesOf(profile, features));
  const declared = withLengths(typed.tensors);
  const unfused: Step[] = [];
  const spend = spending();
  const views = new Map<string, string>();
  const memoryOf = (tensor: string): string => views.get(tensor) ?? tensor;
  for (const node of typed.nodes) {
    const lowered = opOf(node).lower(node, context);
    spend(node, lowered);
    if ('alias' in lowered) views.set(node.outputs[0]!, memoryOf(lowered.alias));
    else {
      unfused.push(lowered);
      if (fusion === 'none') yield declared(lowered);
    }
  }
  const plain = contextOf(typed, fused.tensors, engine, features, plainPreferences(profile, features));
  const nodes = new Map(typed.nodes.map((node) => [node.name, node]));
  const lowerPlain = (step: Step): Step => opOf(nodes.get(step.node)!).lower(nodes.get(step.node)!, plain) as Step;
  const fusedSteps = fuseSteps({ steps: unfused, outputs: typed.outputs, memoryOf }, fusion, {
    features,
    profile,
    lowerPlain,
  });
  const steps = fusedSteps.map(declared);
  return {
    engine,
    semantics: engine,
    features,
    profile,
    fusion,
    graph: typed,
    steps,
    views,
    ...assignBuffers(typed, steps, memoryOf),
  };
}

/** Keeps account of what steps hold and prove. */
function spending(): (node: GraphNode, lowered: Step | object) => void {
  const words = new Spending('words of weights, tables and lists', BUDGET.words);
  const channels = new Spending('requantized channels', BUDGET.channels);
  return (node, lowered) => {
    if (!('kernel' in lowered)) return;
    const data = [...lowered.operands.map((one) => ('data' in one ? one.data : one)), ...lowered.parameters];
    words.add(
      data.reduce((sum, one) => sum + ('tensor' in one ? 0 : one.length), 0),
      label(node),
    );
    channels.add(lowered.proof?.channels ?? 0, label(node));
  };
}

/**
 * Every kernel variant for a node of a plan, and whether it may compute it; empty where there is no choice.
 * `createPlan(graph, { profile: { ...profile, nodes: { [node]: choice } } })` makes a plan with one of them.
 */
export function variantsFor(plan: Plan, nodeName: string): readonly VariantOption[] {
  checkPlan(plan);
  const { graph, engine, features } = plan;
  const node = graph.nodes.find(({ name }) => name === nodeName);
  return (node && opOf(node).variants?.(node, contextOf(graph, graph.tensors, engine, features))) ?? [];
}
