import { InvalidInputError } from '../../src/errors.ts';
import {
  byteRange,
  elementCount,
  isByteType,
  type ElementData,
  type Graph,
  type TensorInfo,
} from '../../src/graph/graph.ts';
import { clamp } from '../../src/engines/rounding.ts';
import type { NpyArray } from '../numpy/npy.ts';
import type { Npz } from '../numpy/npz.ts';
import { transposed } from '../numpy/transposed.ts';
import { arraysByName, arraysByNumber, arraysByOrder, normalized, type Numbered } from './array_names.ts';
import { nearestNames } from './nearest_names.ts';
import { convert, readingsOf } from './readings.ts';

/** A recorded trace, matched with the tensors of a graph. */
export interface Recorded {
  /** By the graph's names, NCHW, in the graph's types. */
  readonly tensors: ReadonlyMap<string, ElementData>;
  /** Those of them that were clamped, as they were: int32, NCHW. */
  readonly unclamped: ReadonlyMap<string, ElementData>;
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

const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();
const list = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

interface Arranged {
  /** NCHW. */
  readonly data: ElementData;
  readonly done: readonly string[];
}

type Layout = 'NHWC' | 'NCHW';

/** What a recorder says in its `meta` of how tensors of four dimensions lie. */
function statedLayout(npz: Arrays): Layout | undefined {
  if (!npz.names.includes('meta')) return undefined;
  try {
    const { data } = npz.read('meta');
    const { layout } = JSON.parse(new TextDecoder().decode(Uint8Array.from(data as Uint8Array))) as { layout?: Layout };
    return layout === 'NHWC' || layout === 'NCHW' ? layout : undefined;
  } catch {
    return undefined; // another recorder's, which is no JSON
  }
}

/** How an array's elements may become a tensor's, the likeliest first. */
function arrangements(
  { shape: given }: Pick<NpyArray, 'shape'>,
  data: ElementData,
  shape: readonly number[],
  layout?: Layout,
): Arranged[] {
  const [n, c, h, w] = shape as [number, number, number, number];
  const last = (done: readonly string[]): Arranged => ({
    data: transposed(data, h * w, c),
    done: layout === 'NHWC' ? done : [...done, 'NHWC'],
  });
  const withBatch = same(given, shape) ? shape : [1, ...given];
  for (const [as, done] of [
    [given, []],
    [withBatch, ['the batch dimension is missing']],
  ] as [readonly number[], string[]][]) {
    const isLast = shape.length === 4 && same(as, [n, h, w, c]);
    if (same(as, shape) && !(isLast && layout === 'NHWC'))
      return isLast ? [{ data, done }, last(done)] : [{ data, done }];
    if (shape.length !== 4) continue;
    if (isLast) return same(as, shape) ? [last(done), { data, done: [...done, 'NCHW'] }] : [last(done)];
    // a 1 by 1 image, recorded without its pixels
    if (h * w === 1 && same(as, [n, c])) return [{ data, done }];
  }
  // an image of 1 by 1 pixels recorded where the graph has none
  if (shape.length === 2 && same(given, [...shape, 1, 1])) return [{ data, done: [] }];
  if (given.length !== 1) return [];
  const flat: Arranged = { data, done: ['flat, NCHW'] };
  if (shape.length !== 4 || c === 1 || h * w === 1) return [{ data, done: ['flat'] }];
  const flatLast: Arranged = { data: transposed(data, h * w, c), done: ['flat, NHWC'] };
  return layout === 'NHWC' ? [flatLast, flat] : [flat, flatLast];
}

/** What a trace says of the quantization of its tensors, by the graph's names: arrays `<name>:qparams` = [scale, zero point]. */
export function recordedQuantizations(
  npz: Pick<Npz, 'names' | 'read'>,
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

/** What makes it plain which array is which tensor, and what its values are, where a file alone does not say. */
export interface Hints {
  /** What a single array is, whatever its name. */
  readonly layer?: string | undefined;
  /** What `layer0` may count. */
  readonly numbered?: readonly Numbered[];
  /** What a tensor should be about: of the readings of an array that are possible the one is taken that equals most of it. */
  readonly about?: (tensor: string) => ElementData | undefined;
}

/** A single array that has no tensor's name: what --layer says, or the one tensor of as many elements. */
function loneArray(
  npz: Arrays,
  array: string,
  expected: readonly TensorInfo[],
  { layer }: Hints,
  file: string,
): string {
  if (layer !== undefined) return layer;
  const { data } = npz.read(array);
  const fitting = expected.filter(({ shape }) => elementCount(shape) === data.length);
  if (fitting.length === 1) return fitting[0]!.name;
  const names = fitting.map(({ name }) => name);
  throw new InvalidInputError(
    `${file}: '${array}' has ${data.length} elements, as ` +
      (names.length === 0
        ? `no tensor of the model; the nearest names are ${nearestNames(
            array,
            expected.map(({ name }) => name),
          )}`
        : `${names.slice(0, 5).join(', ')}${names.length > 5 ? ' and others' : ''}: say --layer`),
  );
}

/** Arrays by name: those of an .npz file, or the one of a file that holds one, under the file's own name. */
export type Arrays = Pick<Npz, 'names' | 'read'>;

/** Arrays under other names, with what describes them. @param tensorOf the new name of each, by the old one */
export function renamed(npz: Arrays, tensorOf: ReadonlyMap<string, string>): Arrays {
  const newName = (name: string): string => {
    const [, array, description = ''] = /^(.*?)(:(?:qparams|acc))?$/s.exec(name)!;
    return (tensorOf.get(array!) ?? array!) + description;
  };
  const oldNames = new Map(npz.names.map((name) => [newName(name), name]));
  return { names: [...oldNames.keys()], read: (name) => npz.read(oldNames.get(name) ?? name) };
}

const isDescription = (name: string): boolean => DESCRIPTIONS.test(name);

/**
 * Matches the arrays of a file with a graph's tensors. Differences in naming, layout (NHWC, flat), type (the same values
 * in a wider one) and a missing batch dimension are resolved and noted. With hints, so are values that are no codes.
 *
 * @param layout of the arrays, where neither shapes nor the file's `meta` tell
 * @param hints without them, an array has to be a tensor by its name, and its values have to be the tensor's type's
 * @throws InvalidInputError where an array has a tensor's name, but cannot be it; or where nothing matches
 */
export function matchRecorded(
  npz: Arrays,
  expected: readonly TensorInfo[],
  file: string,
  layout?: Graph['layout'],
  hints?: Hints,
): Recorded {
  const { numbered = [], about } = hints ?? {};
  const arrays = npz.names.filter((name) => !isDescription(name));
  const stated = statedLayout(npz) ?? layout;
  const names = arraysByName(arrays, expected);
  const notes: string[] = [];
  const unnamed = arrays.filter((array) => ![...names.values()].includes(array));
  if (hints && arrays.length === 1 && unnamed.length === 1)
    names.set(loneArray(npz, arrays[0]!, expected, hints, file), arrays[0]!);
  else {
    const { found, note } = arraysByNumber(unnamed, numbered, (array) => npz.read(array).data.length);
    for (const [tensor, array] of found) if (!names.has(tensor)) names.set(tensor, array);
    if (note !== undefined) notes.push(note);
    for (const [tensor, array] of arraysInOrder(npz, arrays, expected, names)) names.set(tensor, array);
  }
  const used = new Set(names.values());
  const quantizations = hints ? recordedQuantizations(npz, expected) : new Map<string, never>();
  const tensors = new Map<string, ElementData>();
  const unclamped = new Map<string, ElementData>();
  const missing: string[] = [];
  for (const info of expected) {
    const name = names.get(info.name);
    if (name === undefined) {
      missing.push(info.name);
      continue;
    }
    const array = npz.read(name);
    const wanted = `${info.type} ${list(info.shape)}`;
    const kind = array.data.constructor.name.replace('Array', '');
    if (elementCount(info.shape) !== array.data.length)
      throw new InvalidInputError(`${file}: '${name}' is ${kind} ${list(array.shape)}; expected ${wanted}`);
    const where = `${file}: '${name}'`;
    const own = quantizations.get(info.name);
    const direct = convert(array.data, info.type);
    const { quantization } = info;
    const scales = [
      ...(own ? [own] : []),
      ...(quantization ? [{ scale: quantization.scale[0]!, zeroPoint: quantization.zeroPoint[0]! }] : []),
    ];
    if (!hints && !direct)
      throw new InvalidInputError(`${where} is ${kind} with values that are no ${info.type}; expected ${wanted}`);
    const values = hints ? readingsOf(array.data, info, scales, where) : [{ data: direct! }];
    const possible = values.flatMap(({ data, ...reading }) =>
      arrangements(array, data, info.shape, stated).map((arranged) => ({ ...reading, arranged })),
    );
    const expectedValues = possible.length > 1 ? about?.(info.name) : undefined;
    const best = expectedValues
      ? possible
          .map((reading) => ({ reading, equal: countEqual(reading.arranged.data, expectedValues) }))
          .reduce((a, b) => (b.equal > a.equal ? b : a)).reading
      : possible[0];
    if (!best) throw new InvalidInputError(`${where} is ${kind} ${list(array.shape)}; expected ${wanted}`);
    const { data, done } = best.arranged;
    const notices = [
      ...done,
      ...(best.done !== undefined ? [best.done] : []),
      ...(best.done === undefined && data.constructor !== array.data.constructor ? [`${kind} values`] : []),
      ...(name !== info.name ? [`named '${name}'`] : []),
    ];
    if (notices.length > 0) notes.push(`${info.name}: ${notices.join(', ')}`);
    if (isByteType(info.type) && data instanceof Int32Array) {
      unclamped.set(info.name, data);
      const [least, most] = byteRange(info.type);
      tensors.set(
        info.name,
        convert(
          data.map((v) => clamp(v, least, most)),
          info.type,
        )!,
      );
    } else tensors.set(info.name, data);
  }
  if (tensors.size === 0)
    throw new InvalidInputError(
      `${file}: none of its arrays (${arrays.slice(0, 5).join(', ')}${arrays.length > 5 ? ', ...' : ''}) is a tensor of the model; ` +
        `nearest to '${arrays[0]}' are ${nearestNames(
          arrays[0] ?? '',
          expected.map(({ name }) => name),
        )}`,
    );
  return { tensors, unclamped, notes, missing, unknown: arrays.filter((name) => !used.has(name)) };
}

/** {@link arraysByOrder}, where an array's elements may be a tensor's. */
function arraysInOrder(
  npz: Arrays,
  arrays: readonly string[],
  expected: readonly TensorInfo[],
  named: ReadonlyMap<string, string>,
): Map<string, string> {
  const known = new Set(named.values());
  const numbers = new Map(arrays.filter((array) => !known.has(array)).map((array) => [array, numbersOf(npz, array)]));
  return arraysByOrder(arrays, expected, named, (array, { type, shape }) => {
    const data = numbers.get(array);
    return data?.length === elementCount(shape) && convert(data, type) !== undefined;
  });
}

/** The arrays of the inputs among those of all tensors, under the inputs' names. */
export function inputArrays(npz: Arrays, expected: readonly TensorInfo[], inputs: readonly TensorInfo[]): Arrays {
  const arrays = npz.names.filter((name) => !isDescription(name));
  const named = arraysByName(arrays, expected);
  const all = new Map([...named, ...arraysInOrder(npz, arrays, expected, named)]);
  const found = new Map(inputs.flatMap(({ name }) => (all.has(name) ? [[name, all.get(name)!] as const] : [])));
  return { names: [...found.keys()], read: (name) => npz.read(found.get(name)!) };
}

/** An array, unless it is of what are no numbers. */
function numbersOf(npz: Arrays, name: string): NpyArray['data'] | undefined {
  try {
    return npz.read(name).data;
  } catch (error) {
    if (error instanceof InvalidInputError) return undefined;
    throw error;
  }
}

const countEqual = (a: ElementData, b: ElementData): number => {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) count++;
  return count;
};
