import type { Engine } from '../engines/engine.ts';
import type { Graph } from '../graph/graph.ts';
import type { Fusion } from '../join/fusion.ts';
import type { Features } from '../kernels/features.ts';
import type { Profile } from './profile.ts';

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

/** Options whose engine is known, which was asked for by its name or follows from the file. */
export type ResolvedOptions = PlanOptions & { readonly engine: Engine };

/** The engine that is asked for, else the one that the file is for. */
export const engineAsked = (graph: Graph, { engine, semantics }: PlanOptions): string | Engine =>
  engine ?? semantics ?? graph.engine;
