import { describe, expect, it } from 'vitest';
import { addComparisons, compareTensor, summarize, type NamedTensor } from './compare.ts';

function bytes(...values: number[]): NamedTensor {
  return { name: 'x', type: 'uint8', shape: [1, 2, 1, values.length / 2], data: Uint8Array.from(values) };
}

function floats(...values: number[]): NamedTensor {
  return { name: 'x', type: 'float32', shape: [values.length], data: Float32Array.from(values) };
}

/** A NaN with a payload. */
function nan(payload: number): NamedTensor {
  return {
    name: 'x',
    type: 'float32',
    shape: [1],
    data: new Float32Array(Uint32Array.of(0x7fc00000 + payload).buffer),
  };
}

describe('compareTensor', () => {
  it('counts what differs, and says where the first is', () => {
    expect(compareTensor(bytes(1, 2, 3, 4, 5, 6), bytes(1, 2, 3, 4, 9, 4), 'Conv')).toEqual({
      name: 'x',
      op: 'Conv',
      shape: [1, 2, 1, 3],
      elements: 6,
      mismatches: 2,
      maxAbsDiff: 4,
      first: { index: [0, 1, 0, 1], expected: 5, actual: 9 },
    });
  });

  it('finds no difference between equal tensors', () => {
    expect(compareTensor(bytes(0, 255), bytes(0, 255), 'Conv')).not.toHaveProperty('first');
    expect(compareTensor(floats(1, -0, Infinity), floats(1, -0, Infinity), 'Add')).toMatchObject({ mismatches: 0 });
    expect(compareTensor(nan(1), nan(1), 'Add')).toMatchObject({ mismatches: 0 });
  });

  it('compares floats by their bits', () => {
    expect(compareTensor(floats(0), floats(-0), 'Add')).toMatchObject({ mismatches: 1, maxAbsDiff: 0 });
    expect(compareTensor(nan(1), nan(2), 'Add')).toMatchObject({ mismatches: 1, maxAbsDiff: 0 });
    expect(compareTensor(nan(1), floats(2), 'Add')).toMatchObject({ mismatches: 1, maxAbsDiff: Infinity });
    expect(compareTensor(floats(1), floats(1 + 2 ** -23), 'Add')).toMatchObject({
      mismatches: 1,
      maxAbsDiff: 2 ** -23,
    });
  });

  it('refuses to compare different types and shapes', () => {
    expect(() => compareTensor(bytes(1, 2), floats(1, 2), 'Conv')).toThrow('x: float32 [2]');
    expect(() => compareTensor(bytes(1, 2), bytes(1, 2, 3, 4), 'Conv')).toThrow('expected uint8 [1, 2, 1, 1]');
  });
});

describe('totals', () => {
  const equal = summarize([compareTensor(bytes(1, 2), bytes(1, 2), 'Conv')]);
  const different = summarize([compareTensor(bytes(1, 2), bytes(1, 5), 'Conv')]);

  it('add up over tensors and over runs', () => {
    expect(different).toMatchObject({ elements: 2, mismatches: 1 });
    expect(addComparisons([equal, different, different])).toEqual({
      tensors: [{ ...different.tensors[0], elements: 6, mismatches: 2 }],
      elements: 6,
      mismatches: 2,
    });
  });

  it('are refused for runs of different tensors', () => {
    expect(() => addComparisons([equal, summarize([])])).toThrow('x was compared in one run');
  });
});
