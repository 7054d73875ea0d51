import { elementBytes, elementCount, type TensorInfo } from '../graph/graph.ts';
import { extent, packedBytes } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { threadGrid, type Step } from './step.ts';

/** A dispatch between a caller's buffer and a tensor in GPU memory. */
export type Exchange = Pick<Step, 'kernel' | 'slots' | 'counts' | 'overrides' | 'geometry' | 'workgroups'>;

/** Bytes of a tensor in a caller's buffer: elements in NCHW order, rounded up to a word. */
export function denseBytes({ type, shape }: Pick<TensorInfo, 'type' | 'shape'>): number {
  return Math.ceil((elementCount(shape) * elementBytes(type)) / 4) * 4;
}

/** What both directions are told. @param bytes of the result */
export function denseGeometry(info: TensorInfo, bytes: number) {
  const { batch, channels, groups, height, width } = extent(info);
  const pixels = height * width;
  const elements = batch * channels * pixels;
  return {
    geometry: { words: bytes / 4, elements, channels, channel_groups: groups, pixels },
    overrides: { LANES: elementBytes(info.type) },
  };
}

/** From a caller's buffer to GPU memory. */
export function fromNchw(info: TensorInfo): Exchange {
  const bytes = packedBytes(info);
  return { ...useKernel('from_nchw', denseGeometry(info, bytes)), workgroups: threadGrid(bytes / 4) };
}
