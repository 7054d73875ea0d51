import type { Engine } from '../engines/engine.ts';
import { BUDGET, Spending } from '../graph/budget.ts';
import type { Graph, TensorInfo } from '../graph/graph.ts';
import { memoryOfViews } from '../join/join.ts';
import { lower } from '../kernels/lower.ts';
import { withLengths } from '../kernels/software/lengths.ts';
import type { Step } from '../kernels/step.ts';
import type { TypedGraph } from '../layers/operator.ts';
import { assignBuffers } from './buffers.ts';
import type { ResolvedOptions } from './options.ts';
import { stagesOf, type Meaning, type Settings } from './stages.ts';

/** A whole inference as plain data: it can be printed, costed, compared and tested without a GPU. */
export interface Plan extends Settings {
  /** Another name of `engine`. */
  readonly semantics: Engine;
  /** Fused as the engine fuses it, every type and shape known. */
  readonly graph: TypedGraph;
  /** The graph's, and those between the dispatches of one of its layers. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** One dispatch each, in order. */
  readonly steps: readonly Step[];
  /** Tensors that are other tensors in another shape, and which. */
  readonly views: ReadonlyMap<string, string>;
  /** Where those of them begin that do not begin with the other's first byte. */
  readonly offsets: ReadonlyMap<string, number>;
  /** Where each tensor lives: index into `buffers`. Tensors whose lives do not overlap share one. */
  readonly bufferOf: ReadonlyMap<string, number>;
  /** Bytes of each buffer. */
  readonly buffers: readonly number[];
}

/** A plan at once; see createPlan. */
export function planGraph(graph: Graph, options: ResolvedOptions): Plan {
  const planning = planSteps(graph, options);
  for (;;) {
    const next = planning.next();
    if (next.done) return next.value;
  }
}

/**
 * The same step by step: yields each step as soon as it is lowered, so that its pipeline can be compiled while the rest
 * is planned.
 *
 * @param meaning of the graph, where it is known already
 * @throws as createPlan
 */
export function* planSteps(graph: Graph, options: ResolvedOptions, meaning?: Meaning): Generator<Step, Plan> {
  const { settings, target, typed, layers, joined } = stagesOf(graph, options, meaning);
  const declared = withLengths(typed.tensors);
  const spend = spending();
  const steps: Step[] = [];
  for (const one of joined)
    for (const lowered of lower(one, target)) {
      const step = declared(lowered);
      spend(step);
      steps.push(step);
      yield step;
    }
  const held = steps.flatMap(({ output, holds = [] }) => holds.map((one) => ({ ...one, output })));
  const views = new Map([...memoryOfViews(layers), ...held.map(({ tensor, output }) => [tensor, output] as const)]);
  const temporaries = steps.flatMap(({ temporary }) => (temporary ? [[temporary.name, temporary] as const] : []));
  const tensors = new Map([...typed.tensors, ...temporaries]);
  return {
    ...settings,
    semantics: settings.engine,
    graph: typed,
    tensors,
    steps,
    views,
    offsets: new Map(held.map(({ tensor, offset }) => [tensor, offset])),
    ...assignBuffers({ ...typed, tensors }, steps, (tensor) => views.get(tensor) ?? tensor),
  };
}

/** Keeps account of what steps hold and prove. */
function spending(): (step: Step) => void {
  const words = new Spending('words of weights, tables and lists', BUDGET.words);
  const channels = new Spending('requantized channels', BUDGET.channels);
  return ({ node, op, operands, parameters, proof }) => {
    const label = `node '${node}' (${op})`;
    const data = [...operands.map((one) => ('data' in one ? one.data : one)), ...parameters];
    words.add(
      data.reduce((sum, one) => sum + ('tensor' in one ? 0 : one.length), 0),
      label,
    );
    channels.add(proof?.channels ?? 0, label);
  };
}
