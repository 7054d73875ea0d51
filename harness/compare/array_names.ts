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
 * The array of each tensor, by name: the same one, one that differs in case and punctuation, or in what a wrapper puts
 * before it.
 */
export function arraysByName(arrays: readonly string[], tensors: readonly TensorInfo[]): Map<string, string> {
  const found = new Map<string, string>();
  const taken = new Set<string>();
  const keys = [(name: string) => name, normalized, (name: string) => unwrapped(normalized(name))];
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
