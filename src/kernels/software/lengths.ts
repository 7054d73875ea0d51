import { isByteType, type TensorInfo } from '../../graph/graph.ts';
import { packedBytes } from '../../layers/layout.ts';

/** Lengths are multiples of it, so that small graphs share pipelines, too. */
export const UNIT = 8192;

const wordsOf = (info: TensorInfo): number => packedBytes(info) / 4;
const rounded = (words: number): number => Math.ceil(words / UNIT) * UNIT;

/**
 * How many words the arrays have that kernels declare for 8-bit tensors, where they declare any number. An array that is as
 * long as its buffer asks the device for that length at each access, which takes divisions; the length of another is a
 * constant. There are two for all of a graph, so that layers share pipelines: that of the largest tensor, and that of
 * the largest of at most half of it. Buffers are as large (boundBytes).
 */
export function capacities(tensors: Iterable<TensorInfo>): (info: TensorInfo) => number {
  const words = [...tensors].filter(({ type }) => isByteType(type)).map(wordsOf);
  const largest = words.reduce((most, one) => Math.max(most, one), 0);
  const small = words.filter((one) => one <= largest / 2).reduce((most, one) => Math.max(most, one), 0);
  return (info) => rounded(wordsOf(info) <= small ? small : Math.max(largest, wordsOf(info)));
}
