import type { Places } from '../layer.ts';
import { paddedPlaces, type Extent } from '../layout.ts';

/** Where nothing moves to. */
const NOWHERE = -1;

/** For each batch, row, column and channel of the output, in this order, the place that it adds, or NOWHERE. */
type Lists = readonly (readonly number[])[];

const leastOf = (list: readonly number[]): number =>
  list.reduce((least, place) => (place < 0 ? least : Math.min(least, place)), Infinity);

const above = (list: readonly number[], least: number): number[] =>
  list.map((place) => (place < 0 ? NOWHERE : place - least));

function separable(parts: Lists, base: number, { groups, channels }: Extent): Places {
  const padding = Array.from({ length: groups * 4 - channels }, () => NOWHERE);
  return { as: 'separable', base, places: Int32Array.from([...parts, padding].flat()) };
}

/** Places that are sums from the beginning, without a look at every element. */
export function placesAlong(lists: Lists, output: Extent): Places {
  const least = lists.map(leastOf).map((place) => (place === Infinity ? 0 : place));
  const base = least.reduce((sum, place) => sum + place, 0);
  return separable(
    lists.map((list, i) => above(list, least[i]!)),
    base,
    output,
  );
}

/** One list for each coordinate whose entries add up to every element's source; undefined where there is none. */
function separate(sources: Int32Array, e: Extent): Places | undefined {
  const counts = [e.batch, e.height, e.width, e.channels] as const;
  const strides = [e.channels * e.height * e.width, e.width, 1, e.height * e.width] as const;
  const anchor = sources.findIndex((source) => source >= 0);
  if (anchor < 0) return undefined;
  const coordinates = counts.map((count, axis) => Math.floor(anchor / strides[axis]!) % count);
  const lists = counts.map((count, axis) =>
    Array.from({ length: count }, (_, i) => sources[anchor + (i - coordinates[axis]!) * strides[axis]!]!),
  );
  const least = lists.map(leastOf);
  const base = least.reduce((sum, source) => sum + source, 0) - 3 * sources[anchor]!;
  const parts = lists.map((list, axis) => above(list, least[axis]!));
  const [images, rows, columns, channels] = parts as [number[], number[], number[], number[]];
  let i = 0;
  for (const image of images)
    for (const channel of channels)
      for (const row of rows)
        for (const column of columns) {
          const nowhere = image < 0 || channel < 0 || row < 0 || column < 0;
          if (sources[i++] !== (nowhere ? NOWHERE : base + image + channel + row + column)) return undefined;
        }
  return separable(parts, base, e);
}

/**
 * Places in GPU memory from places in NCHW order.
 *
 * @param sources for each element of the output the element of the input that moves there, or NOWHERE; NCHW order
 */
export function placesOf(sources: Int32Array, input: Extent, output: Extent): Places {
  const from = paddedPlaces(input);
  const padded = sources.map((source) => (source < 0 ? NOWHERE : from[source]!));
  const separable = separate(padded, output);
  if (separable) return separable;
  const places = new Int32Array(output.batch * output.height * output.width * output.groups * 4).fill(NOWHERE);
  const to = paddedPlaces(output);
  for (let i = 0; i < padded.length; i++) places[to[i]!] = padded[i]!;
  return { as: 'listed', places, base: 0 };
}
