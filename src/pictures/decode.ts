import { InvalidInputError } from '../errors.ts';
import { isRecord, kindOf } from '../kind_of.ts';
import type { Picture } from './picture.ts';
import { checkSize, declaredSize, type PictureSize } from './size.ts';

/** RGBA, 8 bits each, rows from the top: what an ImageData has. */
export interface Pixels extends PictureSize {
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A file of a picture: a Blob, say. */
interface File {
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * The URL of a picture's file, the file as a Blob, an ImageData, or whatever the browser draws: ImageBitmap, VideoFrame,
 * canvas, HTMLImageElement.
 */
export type PictureSource = string | File | Pixels | object;

/** What is used of a browser. Workers have it, too; Node and Deno have not. */
interface Browser {
  readonly fetch?: (url: string) => Promise<{ readonly ok: boolean; readonly status: number; blob(): Promise<File> }>;
  readonly createImageBitmap?: (source: unknown, options: object) => Promise<Bitmap>;
  readonly OffscreenCanvas?: new (width: number, height: number) => { getContext(id: '2d', options: object): Context };
}

/** An ImageBitmap. */
export interface Bitmap extends PictureSize {
  close(): void;
}

interface Context {
  drawImage(bitmap: Bitmap, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): Pixels;
}

const isFile = (source: unknown): source is File =>
  isRecord(source) && typeof source['arrayBuffer'] === 'function' && typeof source['type'] === 'string';

export const isPixels = (source: unknown): source is Pixels =>
  isRecord(source) &&
  ArrayBuffer.isView(source['data']) &&
  source['data'].byteLength === 4 * Number(source['width']) * Number(source['height']);

const undecodable = (source: unknown): InvalidInputError =>
  new InvalidInputError(`nothing here decodes ${kindOf(source)}; give its RGBA pixels: { width, height, data }`);

/**
 * A picture that is decoded, with no colour conversion. A photograph that was taken on its side is turned upright, as
 * every viewer shows it.
 *
 * @throws InvalidInputError where the browser cannot decode it, there is no browser to do so, or it is too large
 */
export async function bitmapOf(source: PictureSource): Promise<Bitmap> {
  const { fetch, createImageBitmap } = globalThis as Browser;
  if (!createImageBitmap) throw undecodable(source);
  if (typeof source === 'string') {
    const response = await fetch?.(source).catch(() => undefined);
    if (!response?.ok)
      throw new InvalidInputError(
        `${kindOf(source)} ${response ? `answered ${response.status}` : 'cannot be fetched'}`,
      );
    return bitmapOf(await response.blob());
  }
  if (isFile(source)) checkSize(declaredSize(new Uint8Array(await source.arrayBuffer())) ?? { width: 0, height: 0 });
  const exact = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };
  const bitmap = await createImageBitmap.call(globalThis, source, exact).catch(() => {
    throw new InvalidInputError(
      isFile(source)
        ? 'not a picture that the browser can decode (JPEG, PNG, WebP, GIF, BMP, AVIF)'
        : `not a picture: ${kindOf(source)}`,
    );
  });
  checkSize(bitmap);
  return bitmap;
}

/** A picture's pixels. @throws InvalidInputError as `bitmapOf` */
export async function pixelsOf(source: PictureSource): Promise<Pixels> {
  if (isPixels(source)) return source;
  const { OffscreenCanvas } = globalThis as Browser;
  if (!OffscreenCanvas) throw undecodable(source);
  const bitmap = await bitmapOf(source);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** @throws InvalidInputError always */
export function refuseTransparency(): never {
  throw new InvalidInputError('the picture has transparent pixels; save it without transparency');
}

/**
 * The same without the channel of transparency.
 *
 * @throws InvalidInputError likewise, and where it has transparent pixels
 */
export async function decodePicture(source: PictureSource): Promise<Picture> {
  const { width, height, data: rgba } = await pixelsOf(source);
  const data = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    if (rgba[from + 3] !== 255) refuseTransparency();
    data[to++] = rgba[from]!;
    data[to++] = rgba[from + 1]!;
    data[to++] = rgba[from + 2]!;
  }
  return { width, height, data };
}
