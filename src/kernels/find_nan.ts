import { elementCount, type TensorInfo } from '../graph/graph.ts';
import type { Exchange } from './from_nchw.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';
import { threadGrid } from './step.ts';

/** Words of its result, one a thread. */
export const NAN_WORDS = KERNELS.find_nan.constants.THREADS;

/** Looks through a caller's float32 elements: no engine quantizes NaN to anything defined. */
export function findNan(info: TensorInfo): Exchange {
  return {
    ...useKernel('find_nan', { geometry: { elements: elementCount(info.shape) } }),
    workgroups: threadGrid(NAN_WORDS),
  };
}
