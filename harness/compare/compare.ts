import { InvalidInputError } from '../../src/errors.ts';
import type { ElementData, ElementType } from '../../src/graph/graph.ts';
import { bitsOf, coordinatesOf, firstDifference } from './bits.ts';

/** A tensor with a name, NCHW in C order, as both sides of a comparison give it. */
export interface NamedTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: ElementData;
}

/** The first element that differs. */
export interface Mismatch {
  /** NCHW coordinates. */
  readonly index: readonly number[];
  readonly expected: number;
  readonly actual: number;
}

export interface TensorComparison {
  readonly name: string;
  readonly op: string;
  readonly shape: readonly number[];
  readonly elements: number;
  readonly mismatches: number;
  /** Largest |expected - actual|; infinite where exactly one of the two is not a number. */
  readonly maxAbsDiff: number;
  readonly first?: Mismatch;
}

export interface Comparison {
  readonly tensors: readonly TensorComparison[];
  readonly elements: number;
  readonly mismatches: number;
}

/**
 * Compares every element by its bits: 0 and -0 differ, and so do two NaN with different payloads.
 *
 * @throws InvalidInputError where type or shape differ.
 */
export function compareTensor(expected: NamedTensor, actual: NamedTensor, op: string): TensorComparison {
  const { name, type, shape } = expected;
  if (type !== actual.type || shape.join() !== actual.shape.join())
    throw new InvalidInputError(
      `${name}: ${actual.type} [${actual.shape.join(', ')}] cannot be compared with the expected ${type} [${shape.join(', ')}]`,
    );
  const [expectedBits, actualBits] = [bitsOf(expected.data), bitsOf(actual.data)];
  let mismatches = 0;
  let maxAbsDiff = 0;
  let first: Mismatch | undefined;
  for (let i = 0; i < expectedBits.length; i++) {
    if (expectedBits[i] === actualBits[i]) continue;
    const a = Number(expected.data[i]);
    const b = Number(actual.data[i]);
    mismatches++;
    maxAbsDiff = Math.max(maxAbsDiff, difference(a, b));
    first ??= { index: coordinatesOf(i, shape), expected: a, actual: b };
  }
  const row = { name, op, shape, elements: expectedBits.length, mismatches, maxAbsDiff };
  return first ? { ...row, first } : row;
}

/** Are all elements the same bits, and type and shape too? */
export function sameTensor(a: NamedTensor, b: NamedTensor): boolean {
  const sameShape = a.type === b.type && a.shape.join() === b.shape.join();
  return sameShape && firstDifference(bitsOf(a.data), bitsOf(b.data)).count === 0;
}

export function summarize(tensors: readonly TensorComparison[]): Comparison {
  const sum = (key: 'elements' | 'mismatches'): number => tensors.reduce((total, row) => total + row[key], 0);
  return { tensors, elements: sum('elements'), mismatches: sum('mismatches') };
}

/**
 * Adds up comparisons of the same tensors from several runs, in the order of the first.
 *
 * @throws InvalidInputError where they are not of the same tensors.
 */
export function addComparisons(comparisons: readonly Comparison[]): Comparison {
  const [head, ...rest] = comparisons;
  if (!head) return summarize([]);
  const tensors = head.tensors.map((row, i) => rest.reduce((sum, { tensors }) => addRows(sum, tensors[i]), row));
  return summarize(tensors);
}

function addRows(a: TensorComparison, b: TensorComparison | undefined): TensorComparison {
  if (a.name !== b?.name) throw new InvalidInputError(`${a.name} was compared in one run, ${b?.name} in another`);
  const first = a.first ?? b.first;
  return {
    ...a,
    elements: a.elements + b.elements,
    mismatches: a.mismatches + b.mismatches,
    maxAbsDiff: Math.max(a.maxAbsDiff, b.maxAbsDiff),
    ...(first && { first }),
  };
}

function difference(a: number, b: number): number {
  if (Object.is(a, b) || (a === 0 && b === 0)) return 0;
  const distance = Math.abs(a - b);
  return Number.isNaN(distance) ? Infinity : distance;
}

/** -0 is shown as one. */
const shown = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** How a tensor differs, in a line: how many elements, by how much, and the first. */
export function describeDifference({ elements, mismatches, maxAbsDiff, first, shape }: TensorComparison): string {
  const place =
    first!.index.length > 1 ? `[${first!.index.join(', ')}] of [${shape.join(', ')}]` : `${first!.index[0]}`;
  const [differ, all] = [mismatches, elements].map((count) => count.toLocaleString('en-US'));
  return (
    `${differ} of ${all} elements differ, by at most ${maxAbsDiff}; ` +
    `the first at ${place}: expected ${shown(first!.expected)}, got ${shown(first!.actual)}${Number.isNaN(first!.expected) && Number.isNaN(first!.actual) ? ' with other bits' : ''}`
  );
}
