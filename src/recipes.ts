import { InvalidInputError } from './errors.ts';
import { DYNAMIC, type TensorInfo } from './graph/graph.ts';
import { isRecord, kindOf, listOf } from './kind_of.ts';
import { Tensor } from './tensor.ts';
import type { Picture } from './pictures/picture.ts';
import { resizeBilinear } from './pictures/resize.ts';

export const RECIPE_NAMES = ['torchvision', 'inception', 'nsfwjs', 'none'] as const;
export type RecipeName = (typeof RECIPE_NAMES)[number];

/** Of a model's input: one of `session.inputMetadata`, or of a graph's inputs. */
type PictureInput = Pick<TensorInfo, 'name' | 'type'> & { readonly shape: readonly (number | string)[] };

const CHANNELS = 3;

/** Turns a picture into RGB planes (channel, row, column) of the size that the model takes. */
type Planes<T> = (picture: Picture, height: number, width: number) => T;

/** Pixels that stay bytes, each of which becomes a value; or values that are of no single byte. */
interface Preparation {
  readonly types: readonly TensorInfo['type'][];
  readonly planes: Planes<Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>>;
  readonly value?: (byte: number, channel: number) => number;
  /** Height and width of what it makes, where there is no other. */
  readonly size?: readonly [number, number];
}

const RESIZE = 256;
const CROP = 224;

const RECIPES: Readonly<Record<RecipeName, Preparation>> = {
  torchvision: { types: ['float32'], planes: torchvision, value: normalized, size: [CROP, CROP] },
  inception: { types: ['uint8'], planes: inception, value: asItIs },
  nsfwjs: { types: ['float32'], planes: nsfwjs },
  none: { types: ['uint8', 'float32'], planes: none, value: asItIs },
};

/** What a recipe makes of each byte of each channel, [3][256]; undefined where it mixes pixels after that. */
export function valuesOfBytes(recipe: RecipeName): Float32Array | undefined {
  const { value } = RECIPES[recipe];
  return value && Float32Array.from({ length: CHANNELS * 256 }, (_, i) => value(i & 255, i >> 8));
}

export const sizeOf = (recipe: RecipeName): Preparation['size'] => RECIPES[recipe].size;

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
  const { types, planes, value = asItIs } = RECIPES[recipeName(recipe)];
  expectPicture(picture);
  if (!isRecord(input) || !Array.isArray(input.shape))
    throw new InvalidInputError(`an input is one of session.inputMetadata; got ${kindOf(input)}`);
  const [batch, channels, height, width] = input.shape;
  const got = `the model's input ${kindOf(input.name)} is ${kindOf(input.type)} ${listOf(input.shape)}`;
  if (!types.includes(input.type))
    throw new InvalidInputError(`the recipe ${recipe} makes ${types.join(' or ')}, but ${got}`);
  if (
    input.shape.length !== 4 ||
    (batch !== 1 && batch !== DYNAMIC && typeof batch !== 'string') ||
    channels !== CHANNELS ||
    !isSize(height) ||
    !isSize(width)
  )
    throw new InvalidInputError(`a picture is fed as [1, 3, height, width], but ${got}`);
  const data = planes(picture, height, width);
  const dims = [1, CHANNELS, height, width];
  const valueAt = (pixel: number, i: number): number => value(pixel, Math.floor(i / (height * width)));
  if (input.type === 'uint8') return new Tensor('uint8', Uint8Array.from(data, valueAt), dims);
  return new Tensor('float32', Float32Array.from(data, valueAt), dims);
}

const MEAN = Float32Array.of(0.485, 0.456, 0.406);
const DEVIATION = Float32Array.of(0.229, 0.224, 0.225);

function asItIs(value: number): number {
  return value;
}

/** Each step rounds to float32, in the order of ToTensor and Normalize. */
function normalized(byte: number, channel: number): number {
  return Math.fround(Math.fround(Math.fround(byte / 255) - MEAN[channel]!) / DEVIATION[channel]!);
}

function torchvision(picture: Picture, height: number, width: number): Uint8Array<ArrayBuffer> {
  if (height !== CROP || width !== CROP)
    throw new InvalidInputError(
      `the recipe torchvision makes ${CROP}x${CROP} pixels, the model takes ${width}x${height}`,
    );
  const short = Math.min(picture.width, picture.height);
  const size = (side: number): number => (side === short ? RESIZE : Math.trunc((RESIZE * side) / short));
  const resized = resizeBilinear(picture, size(picture.width), size(picture.height));
  return planesOf(crop(resized, CROP));
}

function inception(picture: Picture, height: number, width: number): Uint8Array<ArrayBuffer> {
  return planesOf(resizeBilinear(picture, width, height));
}

function none(picture: Picture, height: number, width: number): Uint8Array<ArrayBuffer> {
  if (picture.height !== height || picture.width !== width)
    throw new InvalidInputError(
      `the recipe none does not resize: the picture is ${picture.width}x${picture.height}, the model takes ${width}x${height}`,
    );
  return planesOf(picture);
}

function nsfwjs(picture: Picture, height: number, width: number): Float32Array<ArrayBuffer> {
  const values = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);
  const rows = alignedCorners(picture.height, height);
  const columns = alignedCorners(picture.width, width);
  const result = new Float32Array(CHANNELS * height * width);
  let at = 0;
  for (let channel = 0; channel < CHANNELS; channel++) {
    const value = (y: number, x: number): number =>
      values[picture.data[CHANNELS * (y * picture.width + x) + channel]!]!;
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
function alignedCorners(inputSize: number, outputSize: number): { floor: number; ceil: number; fraction: number }[] {
  const ratio = outputSize > 1 ? (inputSize - 1) / (outputSize - 1) : inputSize;
  return Array.from({ length: outputSize }, (_, i) => {
    const position = ratio * i;
    const floor = Math.floor(position);
    return { floor, ceil: Math.min(inputSize - 1, Math.ceil(position)), fraction: position - floor };
  });
}

/** The middle `size` x `size` pixels; halves are rounded to even, as Python's round does in CenterCrop. */
function crop({ width, height, data }: Picture, size: number): Picture {
  const left = halfToEven(width - size);
  const top = halfToEven(height - size);
  const result = new Uint8Array(CHANNELS * size * size);
  for (let y = 0; y < size; y++) {
    const from = CHANNELS * ((top + y) * width + left);
    result.set(data.subarray(from, from + CHANNELS * size), CHANNELS * size * y);
  }
  return { width: size, height: size, data: result };
}

function halfToEven(difference: number): number {
  const half = difference / 2;
  return Number.isInteger(half) ? half : 2 * Math.round(half / 2);
}

function planesOf({ width, height, data }: Picture): Uint8Array<ArrayBuffer> {
  const pixels = width * height;
  const result = new Uint8Array(CHANNELS * pixels);
  for (let channel = 0; channel < CHANNELS; channel++)
    for (let i = 0; i < pixels; i++) result[channel * pixels + i] = data[CHANNELS * i + channel]!;
  return result;
}
