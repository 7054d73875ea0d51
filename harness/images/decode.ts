import { InvalidInputError } from '../../src/errors.ts';
import type { Picture } from './picture.ts';
import { checkSize, declaredSize } from './size.ts';

/**
 * Decodes a picture file with the browser's own decoders, no colour conversion; runs in a browser only.
 * A photograph that was taken on its side is turned upright, as every viewer shows it.
 *
 * @throws InvalidInputError where the browser cannot decode it, or it is too large or has transparent pixels.
 */
export async function decodePicture(file: Blob): Promise<Picture> {
  checkSize(declaredSize(new Uint8Array(await file.arrayBuffer())) ?? { width: 0, height: 0 });
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' }).catch(() => {
    throw new InvalidInputError('not a picture that the browser can decode (JPEG, PNG, WebP, GIF, BMP, AVIF)');
  });
  const { width, height } = bitmap;
  checkSize(bitmap);
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    if (rgba[from + 3] !== 255)
      throw new InvalidInputError('the picture has transparent pixels; save it without transparency');
    data[to++] = rgba[from]!;
    data[to++] = rgba[from + 1]!;
    data[to++] = rgba[from + 2]!;
  }
  return { width, height, data };
}
