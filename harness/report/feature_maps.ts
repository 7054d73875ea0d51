import type { ElementData } from '../../src/graph/graph.ts';
import type { Picture } from '../../src/pictures/picture.ts';

/** One channel of a tensor as 8-bit grey, rows from the top. */
export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The first channels of a tensor, each stretched from its lowest value (black) to its highest (white). */
export interface FeatureMaps {
  readonly name: string;
  readonly op: string;
  readonly shape: readonly number[];
  readonly maps: readonly GreyPicture[];
}

interface Drawable {
  readonly shape: readonly number[];
  readonly data: ElementData;
}

/** Pictures of the first `count` channels of a tensor [N, C, H, W]; undefined where its channels are no pictures. */
export function featureMaps(tensor: Drawable & { name: string; op: string }, count: number): FeatureMaps | undefined {
  const { name, op, shape, data } = tensor;
  const [, channels, height, width] = shape;
  if (shape.length !== 4 || height! * width! <= 1) return undefined;
  const maps = Array.from({ length: Math.min(count, channels!) }, (_, channel) => {
    const values = Array.from(data.subarray(channel * height! * width!, (channel + 1) * height! * width!), Number);
    return { width: width!, height: height!, data: stretch(values) };
  });
  return { name, op, shape, maps };
}

/**
 * What a network is fed as a picture that people can look at: a tensor [1, 3, H, W], RGB, stretched from its lowest
 * value to its highest, all channels alike; undefined for other tensors.
 */
export function tensorPicture({ shape, data }: Drawable): Picture | undefined {
  const [batch, channels, height, width] = shape;
  if (shape.length !== 4 || batch !== 1 || channels !== 3) return undefined;
  const planes = stretch(Array.from(data as ArrayLike<number | bigint>, Number));
  const pixels = height! * width!;
  const interleaved = Uint8Array.from(planes, (_, i) => planes[(i % 3) * pixels + Math.floor(i / 3)]!);
  return { width: width!, height: height!, data: interleaved };
}

function stretch(values: readonly number[]): Uint8Array {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const scale = highest > lowest ? 255 / (highest - lowest) : 0;
  return Uint8Array.from(values, (value) => Math.round((value - lowest) * scale));
}
