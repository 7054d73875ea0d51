export {
  differingBits,
  expectEqualBits,
  matchers,
  toEqualBits,
  type BitsLike,
  type MatcherResult,
} from './matchers.ts';
export { openNpz, writeNpz, type Npz } from '../numpy/npz.ts';
export { readNpy, writeNpy, type NpyArray } from '../numpy/npy.ts';
