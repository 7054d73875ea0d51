import { describe, expect, it } from 'vitest';
import { borderOf, findWhere, mismatchMap } from '../harness/explain/where.ts';
import type { TensorInfo } from '../src/graph/graph.ts';

describe('where', () => {
  const info: TensorInfo = { name: 'y', type: 'uint8', shape: [1, 2, 2, 3] };
  const reference = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  const theirs = Uint8Array.of(1, 2, 4, 4, 5, 6, 7, 8, 10, 10, 9, 11);

  it('counts by channel, border, sign and size', () => {
    const where = findWhere(info, reference, theirs, (_, column) => column === 2);
    expect(where).toEqual({
      channels: [1, 3],
      border: { elements: 4, mismatches: 3 },
      interior: { elements: 8, mismatches: 1 },
      differences: [
        { difference: -2, elements: 1 },
        { difference: -1, elements: 1 },
        { difference: 1, elements: 2 },
      ],
      offByOne: 3,
    });
    expect([...mismatchMap(info, reference, theirs)]).toEqual([0, 0, 2, 0, 1, 1]);
  });

  it('knows which windows reach into the padding', () => {
    const isBorder = borderOf({
      layer: { kernel: [3, 3], pads: [1, 0, 0, 1] } as never,
      input: { height: 5, width: 6 } as never,
      strides: [2, 2],
      dilations: [1, 1],
    });
    expect([0, 1].map((row) => [0, 1, 2].map((column) => isBorder(row, column)))).toEqual([
      [true, true, true],
      [false, false, true],
    ]);
  });
});
