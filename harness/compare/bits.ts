import type { TracedTensor } from '../../src/trace.ts';

export type Bits = ArrayLike<number | bigint>;

export function bitsOf(data: TracedTensor['data']): Bits {
  return data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data;
}

/** The first place in which two tensors differ, and how many there are; a missing element differs. */
export function firstDifference(a: Bits, b: Bits): { at: number; count: number } {
  let [at, count] = [-1, 0];
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    if (a[i] !== b[i]) {
      if (count++ === 0) at = i;
    }
  return { at, count };
}

/** The index of an element, from its place in C order. */
export function coordinatesOf(place: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = place;
  for (const size of shape.toReversed()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}
