import type { Picture } from './picture.ts';

const CHANNELS = 3;
/** Weights are fixed-point with this many fraction bits: 32 less 8 for the value and 2 for overflow. */
const FRACTION_BITS = 22;

/** What one output pixel of a line is made of: `weights[i]` of input pixel `first + i`. */
export interface Tap {
  readonly first: number;
  readonly weights: Int32Array;
}

/**
 * Resizes with the antialiased bilinear filter of Pillow (`Image.resize(size, BILINEAR)` of an 8-bit picture),
 * bit for bit: weights in float64, rounded to fixed-point; one pass over the rows, rounded to 8 bits, then one
 * over the columns. (Pillow 13 begins with the columns where the height shrinks far more than the width; up to
 * Pillow 12 rows are always first, as here.)
 */
export function resizeBilinear(picture: Picture, width: number, height: number): Picture {
  return resizeColumns(resizeRows(picture, width), height);
}

function resizeRows({ width: inputWidth, height, data }: Picture, width: number): Picture {
  const result = new Uint8Array(CHANNELS * width * height);
  const taps = bilinearTaps(inputWidth, width);
  for (let y = 0; y < height; y++)
    taps.forEach(({ first, weights }, x) => {
      const from = CHANNELS * (y * inputWidth + first);
      for (let channel = 0; channel < CHANNELS; channel++)
        result[CHANNELS * (y * width + x) + channel] = weightedSum(data, from + channel, CHANNELS, weights);
    });
  return { width, height, data: result };
}

function resizeColumns({ width, height: inputHeight, data }: Picture, height: number): Picture {
  const rowBytes = CHANNELS * width;
  const result = new Uint8Array(rowBytes * height);
  bilinearTaps(inputHeight, height).forEach(({ first, weights }, y) => {
    for (let i = 0; i < rowBytes; i++)
      result[y * rowBytes + i] = weightedSum(data, first * rowBytes + i, rowBytes, weights);
  });
  return { width, height, data: result };
}

function weightedSum(data: Uint8Array, from: number, stride: number, weights: Int32Array): number {
  let sum = 1 << (FRACTION_BITS - 1);
  for (let i = 0; i < weights.length; i++) sum += data[from + i * stride]! * weights[i]!;
  // Rounded weights can add up to slightly more than one.
  return Math.min(sum >> FRACTION_BITS, 255);
}

/** Of each output pixel of a line. */
export function bilinearTaps(inputSize: number, outputSize: number): Tap[] {
  const scale = inputSize / outputSize;
  // Enlarging interpolates between neighbours; shrinking widens the filter to cover all that is averaged.
  const support = Math.max(scale, 1);
  return Array.from({ length: outputSize }, (_, x) => {
    const center = (x + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(inputSize, Math.trunc(center + support + 0.5));
    const triangle = Array.from({ length: end - first }, (_, i) =>
      Math.max(0, 1 - Math.abs((i + first - center + 0.5) * (1 / support))),
    );
    const total = triangle.reduce((sum, weight) => sum + weight, 0);
    return {
      first,
      weights: Int32Array.from(triangle, (weight) => Math.trunc(0.5 + (weight / total) * 2 ** FRACTION_BITS)),
    };
  });
}
