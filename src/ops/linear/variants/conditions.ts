import type { LinearTask } from './variant.ts';

/** Only a kernel that saturates as the engine does may compute a layer whose pairs can leave int16. */
export function notSaturating({ saturatingChannels }: LinearTask): true | string {
  return saturatingChannels === 0 || `pairs of products saturate in ${saturatingChannels} of its channels`;
}
