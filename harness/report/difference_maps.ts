import { isByteType, type ElementData, type TensorInfo } from '../../src/graph/graph.ts';
import { extent } from '../../src/layers/layout.ts';
import { mismatchMap } from '../explain/where.ts';
import type { Picture } from '../../src/pictures/picture.ts';

type Colour = readonly [red: number, green: number, blue: number];

const hex = (text: string): Colour => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)) as unknown as Colour;

/** The ground of every map: equal. */
export const EQUAL = '#f4f2ee';
/** From the smallest difference to the largest: theirs is lower (blue), higher (orange). Told apart without red or green. */
export const LOWER = ['#a6cbe6', '#62a3d1', '#2473b0', '#0a3f7a'] as const;
export const HIGHER = ['#f8c488', '#ee9440', '#cc5c0c', '#7d2f02'] as const;
/** How many channels of a pixel differ, from one to the most. */
export const COUNT = ['#d9cfe4', '#5b2a86'] as const;

/** Upper ends of the classes of |theirs - reference|, of 8-bit tensors. */
const BYTE_CLASSES = [1, 3, 15] as const;

/** Colours, and what each stands for. */
export interface Legend {
  readonly lower: readonly string[];
  readonly higher: readonly string[];
}

/** A tensor, both sides of it. */
interface Sides {
  readonly info: TensorInfo;
  readonly reference: ElementData;
  readonly theirs: ElementData;
}

export interface DifferenceMaps {
  /** How many channels of each pixel differ, and the most of any pixel; where a tensor has pixels. */
  readonly positions?: { readonly picture: Picture; readonly most: number };
  /** The channels that differ most, each as a picture of theirs - reference. */
  readonly channels: readonly { readonly channel: number; readonly mismatches: number; readonly picture: Picture }[];
  /** A tensor without pixels: its channels row by row. */
  readonly grid?: Picture;
  readonly legend: Legend;
}

/** From a difference to its class, -4 to 4: 0 where nothing differs. */
type Classify = (difference: number) => number;

function classes({ info, reference, theirs }: Sides): { classify: Classify; legend: Legend } {
  if (isByteType(info.type)) {
    const size = (d: number): number => BYTE_CLASSES.filter((end) => d > end).length + 1;
    const names = ['1', '2 to 3', '4 to 15', '16 and more'];
    return {
      classify: (d) => (d === 0 ? 0 : Math.sign(d) * size(Math.abs(d))),
      legend: { lower: names, higher: names },
    };
  }
  let most = 0;
  for (let i = 0; i < theirs.length; i++) {
    const d = Math.abs(Number(theirs[i]) - Number(reference[i]));
    if (d > most) most = d;
  }
  const names = LOWER.map((_, k) => `up to ${((most * (k + 1)) / LOWER.length).toPrecision(3)}`);
  // what is no number, or differs in its bits alone, is of the smallest class
  const size = (d: number): number => Math.min(LOWER.length, Math.max(1, Math.ceil((LOWER.length * d) / most) || 1));
  return {
    classify: (d) => (d < 0 ? -1 : 1) * size(Math.abs(d)),
    legend: { lower: names, higher: names },
  };
}

const [GROUND, BELOW, ABOVE] = [hex(EQUAL), LOWER.map(hex), HIGHER.map(hex)];

const colourOf = (size: number): Colour => (size === 0 ? GROUND : size < 0 ? BELOW[-size - 1]! : ABOVE[size - 1]!);

function paint(width: number, height: number, colour: (pixel: number) => Colour): Picture {
  const data = new Uint8Array(3 * width * height);
  for (let p = 0; p < width * height; p++) data.set(colour(p), 3 * p);
  return { width, height, data };
}

/** Where two tensors differ, as pictures of the first image: opaque RGB on a light ground, one pixel an element. */
export function differenceMaps(sides: Sides, mismatches: readonly number[], count: number): DifferenceMaps {
  const { info, reference, theirs } = sides;
  const { channels, height, width } = extent(info);
  const { classify, legend } = classes(sides);
  const at = (i: number): Colour =>
    colourOf(Object.is(theirs[i], reference[i]) ? 0 : classify(Number(theirs[i]) - Number(reference[i])));
  const plane = height * width;
  if (plane === 1) {
    const across = Math.max(1, Math.ceil(Math.sqrt(2 * channels)));
    const down = Math.ceil(channels / across);
    return { channels: [], grid: paint(across, down, (p) => (p < channels ? at(p) : GROUND)), legend };
  }
  const map = mismatchMap(info, reference, theirs);
  const most = map.reduce((a, b) => Math.max(a, b), 0);
  const [light, dark] = COUNT.map(hex) as [Colour, Colour];
  const between = (t: number): Colour => light.map((from, i) => Math.round(from + t * (dark[i]! - from))) as never;
  const worst = [...mismatches.keys()]
    .filter((c) => mismatches[c]! > 0)
    .sort((a, b) => mismatches[b]! - mismatches[a]!)
    .slice(0, count);
  return {
    positions: {
      picture: paint(width, height, (p) => (map[p] === 0 ? GROUND : between((map[p]! - 1) / Math.max(1, most - 1)))),
      most,
    },
    channels: worst.map((channel) => ({
      channel,
      mismatches: mismatches[channel]!,
      picture: paint(width, height, (p) => at(channel * plane + p)),
    })),
    legend,
  };
}
