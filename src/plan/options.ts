import type { Engine } from '../engines/engine.ts';
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
