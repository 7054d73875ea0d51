import type { TensorInfo } from '../graph/graph.ts';
import { denseBytes, denseGeometry, type Exchange } from './from_nchw.ts';
import { useKernel } from './kernel.ts';
import { threadGrid } from './step.ts';

/** From GPU memory to a buffer for the caller. */
export function toNchw(info: TensorInfo): Exchange {
  const bytes = denseBytes(info);
  return { ...useKernel('to_nchw', denseGeometry(info, bytes)), workgroups: threadGrid(bytes / 4) };
}
