import type { PictureSize } from '../pictures/size.ts';
import type { Exchange } from './from_nchw.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';
import { threadGrid } from './step.ts';

/** Words of its result, one a thread. */
export const TRANSPARENT_WORDS = KERNELS.find_transparent.constants.THREADS;

export function findTransparent({ width, height }: PictureSize, rowWords: number): Exchange {
  const geometry = { pixels: width * height, width, row_words: rowWords };
  return { ...useKernel('find_transparent', { geometry }), workgroups: threadGrid(TRANSPARENT_WORDS) };
}
