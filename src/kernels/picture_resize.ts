import type { Tap } from '../pictures/resize.ts';
import type { PictureSize } from '../pictures/size.ts';
import type { Exchange } from './from_nchw.ts';
import { useKernel } from './kernel.ts';
import { threadGrid } from './step.ts';

/** Four words for each place: the first pixel beneath it, how many, and where their weights are. */
export function tapWords(taps: readonly Tap[]): { readonly places: Uint32Array; readonly weights: Uint32Array } {
  let end = 0;
  const places = taps.flatMap(({ first, weights }) => {
    end += weights.length;
    return [first, weights.length, end - weights.length, 0];
  });
  return { places: Uint32Array.from(places), weights: Uint32Array.from(taps.flatMap(({ weights }) => [...weights])) };
}

/** One pass. @param to the size of the result; @param rowWords of the input */
export function pictureResize(to: PictureSize, rowWords: number, along: 'rows' | 'columns'): Exchange {
  const pixels = to.width * to.height;
  const geometry = { width: to.width, pixels, row_words: rowWords, along_columns: Number(along === 'columns') };
  return { ...useKernel('picture_resize', { geometry }), workgroups: threadGrid(pixels) };
}
