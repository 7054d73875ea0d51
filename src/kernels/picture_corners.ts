import { alignedCorners, type Preparation } from '../recipes.ts';
import type { Exchange } from './from_nchw.ts';
import { useKernel } from './kernel.ts';
import { threadGrid } from './step.ts';

/** Two words each, the lowest first. */
const float64Words = (values: readonly number[]): Uint32Array => new Uint32Array(Float64Array.from(values).buffer);

/** Four words for each place: the pixels before and behind it, and the bits of the fraction between them. */
export function cornerWords(inputSize: number, outputSize: number): Uint32Array {
  return Uint32Array.from(
    alignedCorners(inputSize, outputSize).flatMap(({ floor, ceil, fraction }) => [
      floor,
      ceil,
      ...float64Words([fraction]),
    ]),
  );
}

export const cornerValues = ({ values }: Preparation): Uint32Array => float64Words(values.flatMap((of) => [...of]));

/** @param rowWords of the picture; @param reversed whether its first channel is blue */
export function pictureCorners({ width, height }: Preparation, rowWords: number, reversed: boolean): Exchange {
  const pixels = width * height;
  const geometry = { width, pixels, row_words: rowWords, reversed: Number(reversed) };
  return { ...useKernel('picture_corners', { geometry }), workgroups: threadGrid(3 * pixels) };
}
