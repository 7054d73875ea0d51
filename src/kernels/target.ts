import type { TensorInfo } from '../graph/graph.ts';
import { groupsOf } from '../layers/layout.ts';
import type { Features } from './features.ts';
import type { Preferences } from './variant.ts';

/** What layers are lowered for. */
export interface Target {
  readonly features: Features;
  readonly preferences: Preferences;
  /** Float32 tensors that lie in planes: the first of each four channels of all groups, then the second, ... */
  readonly planes: ReadonlySet<string>;
  /** For a tensor that the graph has not: a name like this one that nothing has. */
  unusedName(like: string): string;
}

/** Words of a float32 tensor from a group of four channels to the next, and from one of its channels to the next. */
export function placesOf(info: TensorInfo, { planes }: Target): readonly [step: number, plane: number] {
  return planes.has(info.name) ? [1, groupsOf(info)] : [4, 1];
}
