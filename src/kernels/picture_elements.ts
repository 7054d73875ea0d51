import type { Preparation } from '../recipes.ts';
import type { Exchange } from './from_nchw.ts';
import { useKernel } from './kernel.ts';
import { threadGrid } from './step.ts';

/** The bits of elements, 256 for each channel. */
export function elementWords({ type, values }: Preparation): Uint32Array {
  const elements = values.flatMap((of) => [...of]);
  return type === 'uint8' ? Uint32Array.from(elements) : new Uint32Array(Float32Array.from(elements).buffer);
}

/** @param rowWords of the picture; @param reversed whether its first channel is blue */
export function pictureElements(preparation: Preparation, rowWords: number, reversed: boolean): Exchange {
  const { type, width, height, crop } = preparation;
  const pixels = width * height;
  const bytes = type === 'uint8' ? 1 : 4;
  const words = Math.ceil((3 * pixels * bytes) / 4);
  const first = crop.top * rowWords + crop.left;
  const geometry = { words, width, pixels, row_words: rowWords, first, reversed: Number(reversed) };
  return {
    ...useKernel('picture_elements', { geometry, overrides: { BYTES: bytes } }),
    workgroups: threadGrid(words),
  };
}
