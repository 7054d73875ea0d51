import { InvalidInputError } from '../../src/errors.ts';
import {
  elementCount,
  newElementData,
  type ElementData,
  type ElementType,
  type Graph,
  type TensorInfo,
} from '../../src/graph/graph.ts';
import type { NpyArray } from '../numpy/npy.ts';
import type { Npz } from '../numpy/npz.ts';
import { transposed } from '../numpy/transposed.ts';

/** A recorded trace, matched with the tensors of a graph. */
export interface Recorded {
  /** By the graph's names, NCHW, in the graph's types. */
  readonly tensors: ReadonlyMap<string, ElementData>;
  /** What had to be resolved to match them: names, layouts, types, a missing batch dimension. */
  readonly notes: readonly string[];
  /** Tensors of the graph that the file does not have. */
  readonly missing: readonly string[];
  /** Arrays of the file that the graph does not have. */
  readonly unknown: readonly string[];
}

/** Arrays that describe others: `<name>:qparams`, `<name>:acc`; and what the recorder says of itself. */
const DESCRIPTIONS = /:(qparams|acc)$|^meta$/;

const QPARAMS = ':qparams';

/** Names that differ only in case and punctuation; a trace may say which are inputs and outputs. */
export const normalized = (name: string): string =>
  name
    .replace(/^(input|output):/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');

const RANGES: Partial<Record<ElementType, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127] };

/** Values in a tensor's own type; undefined where some value is not one of the type's. */
function convert(data: NpyArray['data'], type: ElementType): ElementData | undefined {
  const target = newElementData(type, data.length);
  if (data.constructor === target.constructor) return data as ElementData;
  const range = RANGES[type];
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    if (range && !(Number.isInteger(value) && value >= range[0] && value <= range[1])) return undefined;
    if (type === 'float32' && Math.fround(value) !== value && !Number.isNaN(value)) return undefined;
    (target as Float32Array)[i] = value;
  }
  return target;
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();
const list = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** How an array's elements become a tensor's: the data in NCHW and what was done, or undefined. */
function arrange(
  array: NpyArray,
  data: ElementData,
  shape: readonly number[],
  layout?: Graph['layout'],
): { data: ElementData; done: string[] } | undefined {
  const withBatch = same(array.shape, shape) ? shape : [1, ...array.shape];
  for (const [given, done] of [
    [array.shape, []],
    [withBatch, ['the batch dimension is missing']],
  ] as [readonly number[], string[]][]) {
    const [n, c, h, w] = shape as [number, number, number, number];
    const isLast = shape.length === 4 && same(given, [n, h, w, c]);
    if (same(given, shape) && !(isLast && layout === 'NHWC')) return { data, done };
    if (shape.length !== 4) continue;
    if (isLast) return { data: transposed(data, h * w, c), done: layout === 'NHWC' ? done : [...done, 'NHWC'] };
    // a 1 by 1 image, recorded without its pixels
    if (h * w === 1 && same(given, [n, c])) return { data, done };
  }
  // an image of 1 by 1 pixels recorded where the graph has none
  if (shape.length === 2 && same(array.shape, [...shape, 1, 1])) return { data, done: [] };
  return undefined;
}

/** What a trace says of the quantization of its tensors, by the graph's names: arrays `<name>:qparams` = [scale, zero point]. */
export function recordedQuantizations(
  npz: Npz,
  expected: readonly TensorInfo[],
): ReadonlyMap<string, { readonly scale: number; readonly zeroPoint: number }> {
  const found = npz.names
    .filter((name) => name.endsWith(QPARAMS))
    .map((name) => [name.slice(0, -QPARAMS.length), name]);
  return new Map(
    expected.flatMap(({ name }) => {
      const [, array] =
        found.find(([tensor]) => tensor === name) ?? found.find(([t]) => normalized(t!) === normalized(name)) ?? [];
      if (array === undefined) return [];
      const { data } = npz.read(array);
      return data.length === 2 ? [[name, { scale: Number(data[0]), zeroPoint: Number(data[1]) }] as const] : [];
    }),
  );
}

/**
 * Matches the arrays of an .npz file with a graph's tensors. Differences in naming, layout (NHWC), type (the
 * same values in a wider one) and a missing batch dimension are resolved and noted.
 *
 * @param layout of the arrays, where shapes do not tell
 * @throws InvalidInputError where an array has a tensor's name, but cannot be it; or where nothing matches
 */
export function matchRecorded(
  npz: Npz,
  expected: readonly TensorInfo[],
  file: string,
  layout?: Graph['layout'],
): Recorded {
  const arrays = npz.names.filter((name) => !DESCRIPTIONS.test(name));
  const byNormalized = new Map<string, string[]>();
  for (const name of arrays) byNormalized.set(normalized(name), [...(byNormalized.get(normalized(name)) ?? []), name]);
  const tensors = new Map<string, ElementData>();
  const used = new Set<string>();
  const notes: string[] = [];
  const missing: string[] = [];
  for (const info of expected) {
    const alike = byNormalized.get(normalized(info.name)) ?? [];
    const name = arrays.includes(info.name) ? info.name : alike.length === 1 ? alike[0]! : undefined;
    if (name === undefined) {
      missing.push(info.name);
      continue;
    }
    used.add(name);
    const array = npz.read(name);
    const wanted = `${info.type} ${list(info.shape)}`;
    const data = convert(array.data, info.type);
    const kind = array.data.constructor.name.replace('Array', '');
    if (!data)
      throw new InvalidInputError(
        `${file}: '${name}' is ${kind} with values that are no ${info.type}; expected ${wanted}`,
      );
    const arranged = elementCount(info.shape) === data.length ? arrange(array, data, info.shape, layout) : undefined;
    if (!arranged)
      throw new InvalidInputError(`${file}: '${name}' is ${kind} ${list(array.shape)}; expected ${wanted}`);
    if (data.constructor !== array.data.constructor) arranged.done.push(`${kind} values`);
    if (name !== info.name) arranged.done.push(`named '${name}'`);
    if (arranged.done.length > 0) notes.push(`${info.name}: ${arranged.done.join(', ')}`);
    tensors.set(info.name, arranged.data);
  }
  if (tensors.size === 0)
    throw new InvalidInputError(
      `${file}: none of its arrays (${arrays.slice(0, 5).join(', ')}${arrays.length > 5 ? ', ...' : ''}) is a tensor of the model ` +
        `(${expected
          .slice(0, 5)
          .map(({ name }) => name)
          .join(', ')}, ...)`,
    );
  return { tensors, notes, missing, unknown: arrays.filter((name) => !used.has(name)) };
}
