import { InvalidInputError } from '../../src/errors.ts';
import { elementCount, type TensorInfo } from '../../src/graph/graph.ts';

/** Names that differ only in case and punctuation; a trace may say which are inputs and outputs. */
export const normalized = (name: string): string =>
  name
    .replace(/^(input|output):/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');

/** What wrappers of a network put before the names of its modules. */
const WRAPPERS = /^(_orig_mod|module|model|net|network)_/;

const unwrapped = (name: string): string => {
  const inner = name.replace(WRAPPERS, '');
  return inner === name ? name : unwrapped(inner);
};

/**
 * The module whose output torch.onnx.export quantized: `/layer1/layer1.0/conv1/QuantizeLinear_output_0` is
 * `layer1.0.conv1`, for the exporter repeats what is in a Sequential.
 */
function exportedModule(name: string): string {
  const [, path] = /^\/(.+)\/QuantizeLinear_output_0$/.exec(name) ?? [];
  if (path === undefined) return name;
  const parts = path.split('/');
  return parts.filter((part, i) => !parts[i + 1]?.startsWith(`${part}.`)).join('.');
}

/**
 * The array of each tensor, by name: the same one, one that differs in case and punctuation, or in what a wrapper puts
 * before it; that of the module that the tensor's name is made of.
 */
export function arraysByName(arrays: readonly string[], tensors: readonly TensorInfo[]): Map<string, string> {
  const found = new Map<string, string>();
  const taken = new Set<string>();
  const keys = [
    (name: string) => name,
    normalized,
    (name: string) => unwrapped(normalized(name)),
    (name: string) => unwrapped(normalized(exportedModule(name))),
  ];
  for (const key of keys) {
    const byKey = new Map<string, string[]>();
    for (const array of arrays) if (!taken.has(array)) byKey.set(key(array), [...(byKey.get(key(array)) ?? []), array]);
    for (const { name } of tensors) {
      const [array, ...others] = byKey.get(key(name)) ?? [];
      if (found.has(name) || array === undefined || others.length > 0 || taken.has(array)) continue;
      found.set(name, array);
      taken.add(array);
    }
  }
  return found;
}

/**
 * The arrays that no name tells, by their order between those that one does: where they can be tensors there in one way
 * only.
 *
 * @param arrays as they were recorded
 * @param tensors as they are computed
 * @param named the array of each tensor, as far as names tell
 */
export function arraysByOrder(
  arrays: readonly string[],
  tensors: readonly TensorInfo[],
  named: ReadonlyMap<string, string>,
  fits: (array: string, tensor: TensorInfo) => boolean,
): Map<string, string> {
  const places = new Map(tensors.flatMap(({ name }, i) => (named.has(name) ? [[named.get(name)!, i] as const] : [])));
  const found = new Map<string, string>();
  let [unnamed, from]: [string[], number] = [[], 0];
  for (const array of [...arrays, undefined]) {
    const place = array === undefined ? tensors.length : places.get(array);
    if (place === undefined) unnamed.push(array!);
    else {
      if (place < from) return new Map(); // another order than the network's
      const between = tensors.slice(from, place).filter(({ name }) => !named.has(name));
      for (const [tensor, one] of onlyWay(unnamed, between, fits)) found.set(tensor, one);
      [unnamed, from] = [[], place + 1];
    }
  }
  return found;
}

/** The one way in which all of the arrays are, in this order, some of the tensors: none where there are several. */
function onlyWay(
  arrays: readonly string[],
  tensors: readonly TensorInfo[],
  fits: (array: string, tensor: TensorInfo) => boolean,
): [tensor: string, array: string][] {
  // ways[i][j]: in how many ways the arrays from i on are tensors from j on
  const ways = Array.from({ length: arrays.length + 1 }, () => new Array<number>(tensors.length + 1).fill(0));
  ways[arrays.length]!.fill(1);
  const isFit = (i: number, j: number): boolean => fits(arrays[i]!, tensors[j]!) && ways[i + 1]![j + 1]! > 0;
  for (let i = arrays.length - 1; i >= 0; i--)
    for (let j = tensors.length - 1; j >= 0; j--)
      ways[i]![j] = Math.min(2, ways[i]![j + 1]! + (isFit(i, j) ? ways[i + 1]![j + 1]! : 0));
  if (ways[0]![0] !== 1) return [];
  const pairs: [string, string][] = [];
  for (let j = 0; pairs.length < arrays.length; j++)
    if (isFit(pairs.length, j)) pairs.push([tensors[j]!.name, arrays[pairs.length]!]);
  return pairs;
}

/** Tensors that a number may mean, in the order of the network. */
export interface Numbered {
  /** For people. */
  readonly of: string;
  readonly tensors: readonly TensorInfo[];
}

/**
 * Arrays that are numbered, as `layer0`, `layer1`: counted from 0 or 1, over the layers with weights or over all. The
 * one count is taken under which every array has as many elements as its tensor.
 *
 * @param elements of an array
 * @throws InvalidInputError where there are several
 */
export function arraysByNumber(
  arrays: readonly string[],
  lists: readonly Numbered[],
  elements: (array: string) => number,
): { found: ReadonlyMap<string, string>; note?: string } {
  const numbered = arrays.flatMap((array) => {
    const [, number] = /^(?:layers?|conv|l|out|output)[_.]?(\d+)$/i.exec(array) ?? [];
    return number === undefined ? [] : [{ array, number: Number(number) }];
  });
  if (numbered.length === 0) return { found: new Map() };
  const ways = lists
    .flatMap(({ of, tensors }) =>
      [0, 1].map((first) => ({
        how: `${of}, counted from ${first}`,
        pairs: numbered.map(({ array, number }) => ({ array, tensor: tensors[number - first] })),
      })),
    )
    .filter(({ pairs }) =>
      pairs.every(({ array, tensor }) => tensor && elementCount(tensor.shape) === elements(array)),
    );
  const distinct = ways.filter(
    ({ pairs }, i) => ways.findIndex((other) => other.pairs.every((pair, j) => pair.tensor === pairs[j]!.tensor)) === i,
  );
  const [way, ...others] = distinct;
  if (!way) return { found: new Map() };
  const first = ({ pairs }: typeof way): string => `'${pairs[0]!.tensor!.name}'`;
  if (others.length > 0)
    throw new InvalidInputError(
      `'${numbered[0]!.array}' can be ${distinct.map((one) => `${first(one)} (${one.how})`).join(' or ')}: name the arrays as the model does, or say --layer`,
    );
  return {
    found: new Map(way.pairs.map(({ array, tensor }) => [tensor!.name, array])),
    note: `'${numbered[0]!.array}' is ${first(way)}: ${way.how}`,
  };
}
