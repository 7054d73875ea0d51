import type { Features } from './features.ts';
import type { Preferences } from './variant.ts';

/** What layers are lowered for. */
export interface Target {
  readonly features: Features;
  readonly preferences: Preferences;
  /** For a tensor that the graph has not: a name like this one that nothing has. */
  unusedName(like: string): string;
}
