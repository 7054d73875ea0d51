import type { TensorInfo } from '../graph/graph.ts';
import type { Features } from './features.ts';
import type { Preferences } from './variant.ts';

/** What layers are lowered for. */
export interface Target {
  readonly features: Features;
  readonly preferences: Preferences;
  /** Words of an array that is declared for an 8-bit tensor: see capacities. */
  capacity(tensor: TensorInfo): number;
  /** For a tensor that the graph has not: a name like this one that nothing has. */
  unusedName(like: string): string;
}
