import { newElementData, type ElementData, type ElementType } from '../../src/graph/graph.ts';
import { transposed } from '../numpy/transposed.ts';

export const ORDERS = ['nchw', 'nhwc', 'tiled'] as const;
export type Order = (typeof ORDERS)[number];

/** An array as it is handed out: integers of any width up to 53 bits in typed arrays, or float32. */
export interface VectorArray {
  /** The container: the type of the words in .npy, .bin and .c files. */
  readonly type: ElementType;
  /** The bits that hold every value that the layer can have: the width of the words in .hex, .coe and .mif files. */
  readonly bits: number;
  readonly signed: boolean;
  /** NCHW (activations), OIHW (weights), or fewer dimensions. */
  readonly shape: readonly number[];
  readonly data: ElementData;
}

/** Words that are not one element each. */
interface Bus {
  readonly bits: number;
  readonly count: number;
  /** In hexadecimal. */
  digits(index: number): string;
}

/** One file's words in the order of the file: one element each, but in texts where there is a bus. */
export interface FileWords extends VectorArray {
  readonly bus?: Bus;
  /** For people: what it is. */
  readonly title: string;
  /** A C identifier. */
  readonly identifier: string;
}

/** Bits that two's complement (or an unsigned word) needs for all values from `least` to `most`. */
export function bitsFor(least: number, most: number, signed: boolean): number {
  if (!signed) return Math.max(1, Math.ceil(Math.log2(most + 1)));
  return 1 + Math.max(Math.ceil(Math.log2(Math.max(most, 0) + 1)), Math.ceil(Math.log2(Math.max(-least, 1))));
}

/** An array whose words are as wide as its own values need. */
export function fitted(
  type: 'uint8' | 'int8' | 'int32' | 'int64',
  data: ElementData,
  shape: readonly number[],
): VectorArray {
  let least = 0;
  let most = 0;
  for (const value of data) {
    least = Math.min(least, Number(value));
    most = Math.max(most, Number(value));
  }
  const signed = type !== 'uint8';
  return { type, bits: bitsFor(least, most, signed), signed, shape, data };
}

/** An array whose words are as wide as its type. */
export function whole(type: 'uint8' | 'int8' | 'float32', data: ElementData, shape: readonly number[]): VectorArray {
  return { type, bits: type === 'float32' ? 32 : 8, signed: type !== 'uint8', shape, data };
}

/** [a, b, c, d] as [a, c, d, b]: NCHW as NHWC, OIHW as OHWI. */
export function channelsLast(array: VectorArray): VectorArray {
  const [outer, channels, height, width] = array.shape as [number, number, number, number];
  const data = transposed(array.data, channels, height * width);
  return { ...array, shape: [outer, height, width, channels], data };
}

/** Of each element of [a, b, c, d], in order, the place in [a, tiles, c, d, tile]. */
function* tiledPlaces(outer: number, channels: number, plane: number, tile: number): Generator<number> {
  const tiles = Math.ceil(channels / tile);
  for (let o = 0; o < outer; o++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < plane; p++) yield ((o * tiles + Math.floor(c / tile)) * plane + p) * tile + (c % tile);
}

/**
 * [a, b, c, d] as [a, tiles, c, d, tile]: channels in tiles, NCHW and OIHW alike; of the last one, the channels that there
 * are not hold `fill`.
 */
export function tiled(array: VectorArray, tile: number, fill: number): VectorArray {
  const [outer, channels, height, width] = array.shape as [number, number, number, number];
  const tiles = Math.ceil(channels / tile);
  const data = newElementData(array.type, outer * tiles * height * width * tile).fill(fill as never);
  let i = 0;
  for (const place of tiledPlaces(outer, channels, height * width, tile)) data[place] = array.data[i++]!;
  return { ...array, shape: [outer, tiles, height, width, tile], data };
}

/** Bytes back again, from [a, tiles, c, d, tile]. */
export function withoutTiles<T extends Uint8Array | Int8Array>(data: T, shape: readonly number[], channels: number): T {
  const [outer, , height, width, tile] = shape as [number, number, number, number, number];
  const places = [...tiledPlaces(outer, channels, height * width, tile)];
  return data.slice(0, places.length).map((_, i) => data[places[i]!]!) as T;
}
