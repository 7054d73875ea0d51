import type { Features } from '../../ops/features.ts';
import type { Step } from '../../ops/step.ts';
import type { Profile } from '../profile.ts';

/** A step that does the work of several. */
export interface Fused {
  readonly step: Step;
  /** The steps that it takes the place of. */
  readonly replaces: readonly Step[];
}

export interface FuseOptions {
  readonly features: Features;
  readonly profile: Profile;
  /** The same layer by the kernel whose data fused steps are put together from: pointwise, depthwise, conv. */
  readonly lowerPlain: (step: Step) => Step;
}
