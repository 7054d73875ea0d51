import { InvalidInputError } from '../errors.ts';
import { isRecord, kindOf } from '../kind_of.ts';
import { pixelsOf, type Pixels, type PictureSource } from './decode.ts';
import { resizeBilinear } from './resize.ts';

/** Which bytes of a pixel a tensor has, in its order of channels. */
const CHANNELS = { RGB: [0, 1, 2], BGR: [2, 1, 0], RBG: [0, 2, 1], RGBA: [0, 1, 2, 3] } as const;
type ImageFormat = keyof typeof CHANNELS;

/** One number for all channels, or one each. */
type PerChannel = number | readonly number[];

/**
 * From a byte: (byte + bias) / mean, in float64, rounded once. Back: (element - bias) * mean, which is onnxruntime's, and
 * the way back where the bias is 0. Default: mean 255, bias 0.
 */
interface Norm {
  readonly bias?: PerChannel;
  readonly mean?: PerChannel;
}

/** Options of `Tensor.fromImage`. */
export interface FromImageOptions {
  /** Resized as Pillow does, antialiased bilinear; both or none. onnxruntime would cut the picture off. */
  readonly resizedWidth?: number;
  readonly resizedHeight?: number;
  /** Default: RGB. Transparency is refused where the format has no A. */
  readonly tensorFormat?: ImageFormat;
  /** Default: NCHW, as models take it. */
  readonly tensorLayout?: 'NCHW' | 'NHWC';
  /** Default: float32. The bytes as they are for uint8, where no norm is given. */
  readonly dataType?: 'float32' | 'uint8';
  readonly norm?: Norm;
}

/** Options of `toImageData` and `toDataURL`. */
export interface ToImageOptions {
  readonly format?: ImageFormat;
  readonly tensorLayout?: 'NCHW' | 'NHWC';
  readonly norm?: Norm;
}

interface Elements {
  readonly type: 'float32' | 'uint8';
  readonly data: Float32Array | Uint8Array;
  readonly dims: readonly number[];
}

/** @throws InvalidInputError for an option that there is not, or another value than it may have */
function checked<T extends object>(options: unknown, values: Readonly<Record<string, (value: unknown) => boolean>>): T {
  if (!isRecord(options)) throw new InvalidInputError(`options are an object, got ${kindOf(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const fits = Object.hasOwn(values, name) ? values[name] : undefined;
    if (!fits)
      throw new InvalidInputError(`there is no option ${kindOf(name)}; supported: ${Object.keys(values).join(', ')}`);
    if (!fits(value)) throw new InvalidInputError(`option '${name}' cannot be ${kindOf(value)}`);
  }
  return options as T;
}

const isSize = (value: unknown): boolean => Number.isInteger(value) && (value as number) > 0;
const among =
  (...values: readonly string[]) =>
  (value: unknown): boolean =>
    values.includes(value as string);
const isPerChannel = (value: unknown): boolean =>
  value === undefined || [value].flat().every((one) => typeof one === 'number' && Number.isFinite(one));
const isNorm = (value: unknown): boolean =>
  isRecord(value) && isPerChannel(value['bias']) && isPerChannel(value['mean']) && ![value['mean']].flat().includes(0);
const SHARED = { tensorLayout: among('NCHW', 'NHWC'), norm: isNorm };
const isFormat = among(...Object.keys(CHANNELS));

const perChannel =
  (value: PerChannel | undefined, otherwise: number) =>
  (channel: number): number =>
    typeof value === 'number' ? value : (value?.[channel] ?? otherwise);

/** Where the element of a channel and pixel stands. */
function placeOf(layout: 'NCHW' | 'NHWC', channels: number, pixels: number) {
  return layout === 'NHWC'
    ? (channel: number, pixel: number): number => pixel * channels + channel
    : (channel: number, pixel: number): number => channel * pixels + pixel;
}

/**
 * A picture as elements.
 *
 * @throws InvalidInputError for what is no picture, or does not fit the options
 */
export async function fromImage(source: PictureSource, given: FromImageOptions = {}): Promise<Elements> {
  const options = checked<FromImageOptions>(given, {
    resizedWidth: isSize,
    resizedHeight: isSize,
    tensorFormat: isFormat,
    dataType: among('float32', 'uint8'),
    ...SHARED,
  });
  const { tensorFormat = 'RGB', tensorLayout = 'NCHW', dataType = 'float32', norm } = options;
  const channels = CHANNELS[tensorFormat];
  const { width, height, data } = resized(opaque(await pixelsOf(source), tensorFormat), options);
  const pixels = width * height;
  const place = placeOf(tensorLayout, channels.length, pixels);
  const [bias, mean] = [perChannel(norm?.bias, 0), perChannel(norm?.mean, 255)];
  const elements = new { float32: Float32Array, uint8: Uint8Array }[dataType](channels.length * pixels);
  // a channel's byte is one of 256: each is computed once
  const values = channels.map((byte) =>
    Float64Array.from({ length: 256 }, (_, value) =>
      dataType === 'uint8' && !norm ? value : (value + bias(byte)) / mean(byte),
    ),
  );
  if (dataType === 'uint8' && values.some((of) => of.some((v) => !Number.isInteger(v) || v < 0 || v > 255)))
    throw new InvalidInputError('option norm makes values that are no uint8');
  for (const [channel, byte] of channels.entries())
    for (let pixel = 0; pixel < pixels; pixel++)
      elements[place(channel, pixel)] = values[channel]![data[4 * pixel + byte]!]!;
  const shape = tensorLayout === 'NHWC' ? [height, width, channels.length] : [channels.length, height, width];
  return { type: dataType, data: elements, dims: [1, ...shape] };
}

function opaque(pixels: Pixels, format: ImageFormat): Pixels {
  if (format !== 'RGBA')
    for (let at = 3; at < pixels.data.length; at += 4)
      if (pixels.data[at] !== 255)
        throw new InvalidInputError(
          'the picture has transparent pixels; save it without transparency, or take tensorFormat RGBA',
        );
  return pixels;
}

function resized(pixels: Pixels, { resizedWidth, resizedHeight, tensorFormat }: FromImageOptions): Pixels {
  if (resizedWidth === undefined && resizedHeight === undefined) return pixels;
  if (resizedWidth === undefined || resizedHeight === undefined)
    throw new InvalidInputError('a picture is resized to a width and a height: give resizedWidth and resizedHeight');
  if (tensorFormat === 'RGBA') throw new InvalidInputError('a picture with transparency is not resized');
  const rgb = pixels.data.filter((_, i) => i % 4 !== 3);
  const small = resizeBilinear({ ...pixels, data: Uint8Array.from(rgb) }, resizedWidth, resizedHeight);
  const data = new Uint8Array(4 * resizedWidth * resizedHeight).fill(255);
  for (let pixel = 0; pixel < resizedWidth * resizedHeight; pixel++)
    data.set(small.data.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
  return { width: resizedWidth, height: resizedHeight, data };
}

/**
 * Elements of a tensor [1, C, H, W] as RGBA pixels, each rounded to the nearest byte and kept within one.
 *
 * @throws InvalidInputError where the tensor has not as many channels as the format
 */
export function toPixels(
  elements: ArrayLike<number | bigint>,
  dims: readonly number[],
  given: ToImageOptions = {},
): Pixels & { readonly data: Uint8ClampedArray } {
  const options = checked<ToImageOptions>(given, { format: isFormat, ...SHARED });
  const { format = 'RGB', tensorLayout = 'NCHW', norm } = options;
  const bytes = CHANNELS[format];
  const [height, width, channels] = (
    tensorLayout === 'NHWC' ? [dims[1], dims[2], dims[3]] : [dims[2], dims[3], dims[1]]
  ) as [number, number, number];
  if (dims.length !== 4 || dims[0] !== 1 || channels !== bytes.length)
    throw new InvalidInputError(
      `a picture of format ${format} is a tensor of ${bytes.length} channels, ${tensorLayout}; its dims are [${dims.join(', ')}]`,
    );
  const place = placeOf(tensorLayout, channels, width * height);
  const [bias, mean] = [perChannel(norm?.bias, 0), perChannel(norm?.mean, 255)];
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (const [channel, byte] of bytes.entries())
    for (let pixel = 0; pixel < width * height; pixel++)
      data[4 * pixel + byte] = (Number(elements[place(channel, pixel)]) - bias(byte)) * mean(byte);
  return { width, height, data };
}

interface Drawing {
  readonly document?: {
    createElement(name: 'canvas'): {
      width: number;
      height: number;
      getContext(id: '2d'): { putImageData(image: unknown, x: number, y: number): void };
      toDataURL(): string;
    };
  };
  readonly ImageData?: new (data: Uint8ClampedArray, width: number, height: number) => unknown;
}

/** An ImageData of the browser's. @throws InvalidInputError where there is none */
export function imageDataOf({ data, width, height }: Pixels & { readonly data: Uint8ClampedArray }): unknown {
  const { ImageData } = globalThis as Drawing;
  if (!ImageData) throw new InvalidInputError('there is no ImageData here');
  return new ImageData(data, width, height);
}

/** A PNG in a URL. @throws InvalidInputError where there is no document: workers have none */
export function dataUrlOf(pixels: Pixels & { readonly data: Uint8ClampedArray }): string {
  const { document } = globalThis as Drawing;
  if (!document) throw new InvalidInputError('there is no document here to draw a data URL in');
  const canvas = document.createElement('canvas');
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext('2d').putImageData(imageDataOf(pixels), 0, 0);
  return canvas.toDataURL();
}
