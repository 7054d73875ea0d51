import { InvalidInputError } from './errors.ts';
import { DYNAMIC, type TensorInfo } from './graph/graph.ts';
import { isRecord, kindOf, listOf } from './kind_of.ts';
import { Tensor } from './tensor.ts';
import type { Picture } from './pictures/picture.ts';
import { resizeBilinear } from './pictures/resize.ts';
import type { PictureSize } from './pictures/size.ts';

export const RECIPE_NAMES = ['torchvision', 'inception', 'nsfwjs', 'none'] as const;
export type RecipeName = (typeof RECIPE_NAMES)[number];

/** Of a model's input: one of `session.inputMetadata`, or of a graph's inputs. */
export type PictureInput = Pick<TensorInfo, 'name' | 'type'> & { readonly shape: readonly (number | string)[] };

const CHANNELS = 3;

/** What a recipe does to a picture: the same on the host and on a GPU. */
export interface Preparation extends PictureSize {
  readonly type: 'uint8' | 'float32';
  /** First resized as Pillow does. */
  readonly resize?: PictureSize;
  /** The part that is taken then, as large as what is made: its left upper corner. */
  readonly crop: { readonly left: number; readonly top: number };
  /** In place of both: interpolated between pixels, in float64, the corners of both sizes on one another. */
  readonly corners?: boolean;
  /** The element that each byte of each channel is. */
  readonly values: readonly (Float32Array | Uint8Array)[];
}

interface Recipe extends Pick<Preparation, 'values' | 'corners'> {
  readonly types: readonly Preparation['type'][];
  /** Height and width of what it makes, where there is no other. */
  readonly size?: readonly [number, number];
  /** @param to what the model takes */
  readonly of: (from: PictureSize, to: PictureSize) => Pick<Preparation, 'resize' | 'crop'>;
}

const RESIZE = 256;
const CROP = 224;
const WHOLE = { left: 0, top: 0 };

/** The same for each channel. */
const ofByte = (element: (byte: number, channel: number) => number): Float32Array[] =>
  Array.from({ length: CHANNELS }, (_, channel) =>
    Float32Array.from({ length: 256 }, (_, byte) => element(byte, channel)),
  );
const BYTES = ofByte((byte) => byte);

const MEAN = Float32Array.of(0.485, 0.456, 0.406);
const DEVIATION = Float32Array.of(0.229, 0.224, 0.225);
/** Each step rounds to float32, in the order of ToTensor and Normalize. */
const NORMALIZED = ofByte((byte, channel) =>
  Math.fround(Math.fround(Math.fround(byte / 255) - MEAN[channel]!) / DEVIATION[channel]!),
);

const RECIPES: Readonly<Record<RecipeName, Recipe>> = {
  torchvision: { types: ['float32'], values: NORMALIZED, of: torchvision, size: [CROP, CROP] },
  inception: { types: ['uint8'], values: BYTES, of: (_, to) => ({ resize: to, crop: WHOLE }) },
  nsfwjs: { types: ['float32'], values: ofByte((byte) => byte / 255), corners: true, of: () => ({ crop: WHOLE }) },
  none: { types: ['uint8', 'float32'], values: BYTES, of: none },
};

/** The element that each byte of each channel becomes; undefined where pixels are mixed after that. */
export function valuesOfBytes(recipe: RecipeName): Preparation['values'] | undefined {
  const { values, corners } = RECIPES[recipe];
  return corners ? undefined : values;
}

export const sizeOf = (recipe: RecipeName): Recipe['size'] => RECIPES[recipe].size;

/** @throws InvalidInputError where there is no such recipe. */
export function recipeName(name: unknown): RecipeName {
  const known = RECIPE_NAMES.find((known) => known === name);
  if (!known) throw new InvalidInputError(`no recipe ${kindOf(name)}; there are ${RECIPE_NAMES.join(', ')}`);
  return known;
}

const isSize = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;

function expectPicture(picture: unknown): void {
  const { width, height, data } = isRecord(picture) ? picture : {};
  const bytes = isSize(width) && isSize(height) ? CHANNELS * width * height : undefined;
  if (!ArrayBuffer.isView(data) || data.byteLength !== bytes)
    throw new InvalidInputError(`a picture is what decodePicture gives; got ${kindOf(picture)}`);
}

/**
 * @param input of the model: one of `session.inputMetadata`, or of a graph's inputs
 * @throws InvalidInputError where the recipe does not fit a picture of this size or the model's input
 */
export function prepare(from: PictureSize, recipe: RecipeName, input: PictureInput): Preparation {
  const { types, values, corners = false, of } = RECIPES[recipeName(recipe)];
  if (!isRecord(input) || !Array.isArray(input.shape))
    throw new InvalidInputError(`an input is one of session.inputMetadata; got ${kindOf(input)}`);
  const [batch, channels, height, width] = input.shape;
  const got = `the model's input ${kindOf(input.name)} is ${kindOf(input.type)} ${listOf(input.shape)}`;
  const type = types.find((type) => type === input.type);
  if (!type) throw new InvalidInputError(`the recipe ${recipe} makes ${types.join(' or ')}, but ${got}`);
  if (
    input.shape.length !== 4 ||
    (batch !== 1 && batch !== DYNAMIC && typeof batch !== 'string') ||
    channels !== CHANNELS ||
    !isSize(height) ||
    !isSize(width)
  )
    throw new InvalidInputError(`a picture is fed as [1, 3, height, width], but ${got}`);
  return { type, height, width, values, corners, ...of(from, { height, width }) };
}

/**
 * What a model is fed for a picture: a tensor of the input's type, [1, 3, height, width], RGB.
 *
 * - `torchvision`: Resize(256), CenterCrop(224), ToTensor, Normalize with ImageNet's mean and deviation.
 * - `inception`: resized to the input's size, the bytes as they are (the input's quantization is x / 127.5 - 1).
 * - `nsfwjs`: as the package nsfwjs does on tfjs's CPU backend: x / 255, resized with aligned corners.
 * - `none`: the bytes as they are; the picture must have the input's size.
 *
 * @throws InvalidInputError where the recipe does not fit the picture or the model's input.
 */
export function preprocess(picture: Picture, recipe: RecipeName, input: PictureInput): Tensor {
  recipeName(recipe);
  expectPicture(picture);
  const preparation = prepare(picture, recipe, input);
  const { type, height, width, resize, corners, crop, values } = preparation;
  const dims = [1, CHANNELS, height, width];
  if (corners) return new Tensor(type, interpolate(picture, preparation), dims);
  const whole = resize ? resizeBilinear(picture, resize.width, resize.height) : picture;
  const elements = new { uint8: Uint8Array, float32: Float32Array }[type](CHANNELS * height * width);
  let at = 0;
  for (let channel = 0; channel < CHANNELS; channel++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const pixel = (crop.top + y) * whole.width + crop.left + x;
        elements[at++] = values[channel]![whole.data[CHANNELS * pixel + channel]!]!;
      }
  return new Tensor(type, elements as never, dims);
}

function torchvision({ width, height }: PictureSize, to: PictureSize): ReturnType<Recipe['of']> {
  if (to.height !== CROP || to.width !== CROP)
    throw new InvalidInputError(
      `the recipe torchvision makes ${CROP}x${CROP} pixels, the model takes ${to.width}x${to.height}`,
    );
  const short = Math.min(width, height);
  const size = (side: number): number => (side === short ? RESIZE : Math.trunc((RESIZE * side) / short));
  const resize = { width: size(width), height: size(height) };
  // halves are rounded to even, as Python's round does in CenterCrop
  const crop = { left: halfToEven(resize.width - CROP), top: halfToEven(resize.height - CROP) };
  return { resize, crop };
}

function none(from: PictureSize, to: PictureSize): ReturnType<Recipe['of']> {
  if (from.height !== to.height || from.width !== to.width)
    throw new InvalidInputError(
      `the recipe none does not resize: the picture is ${from.width}x${from.height}, the model takes ${to.width}x${to.height}`,
    );
  return { crop: WHOLE };
}

function interpolate(picture: Picture, { height, width, values }: Preparation): Float32Array {
  const rows = alignedCorners(picture.height, height);
  const columns = alignedCorners(picture.width, width);
  const result = new Float32Array(CHANNELS * height * width);
  let at = 0;
  for (let channel = 0; channel < CHANNELS; channel++) {
    const value = (y: number, x: number): number =>
      values[channel]![picture.data[CHANNELS * (y * picture.width + x) + channel]!]!;
    for (const row of rows)
      for (const column of columns) {
        // In float64, rounded once to float32, as tfjs's CPU backend does.
        const topLeft = value(row.floor, column.floor);
        const bottomLeft = value(row.ceil, column.floor);
        const top = topLeft + (value(row.floor, column.ceil) - topLeft) * column.fraction;
        const bottom = bottomLeft + (value(row.ceil, column.ceil) - bottomLeft) * column.fraction;
        result[at++] = top + (bottom - top) * row.fraction;
      }
  }
  return result;
}

/** Where each output position lies in the input when the first and last of both coincide. */
export function alignedCorners(
  inputSize: number,
  outputSize: number,
): { floor: number; ceil: number; fraction: number }[] {
  const ratio = outputSize > 1 ? (inputSize - 1) / (outputSize - 1) : inputSize;
  return Array.from({ length: outputSize }, (_, i) => {
    const position = ratio * i;
    const floor = Math.floor(position);
    return { floor, ceil: Math.min(inputSize - 1, Math.ceil(position)), fraction: position - floor };
  });
}

function halfToEven(difference: number): number {
  const half = difference / 2;
  return Number.isInteger(half) ? half : 2 * Math.round(half / 2);
}
