import type { Picture } from '../../../src/pictures/picture.ts';
import type { GreyPicture } from '../../report/feature_maps.ts';
import { element } from '../dom.ts';

/** RGB pixels as an element of the page. */
export function rgbCanvas(picture: Picture, label: string): HTMLCanvasElement {
  return canvas(picture, label, (pixel, channel) => picture.data[3 * pixel + channel]!);
}

/** Grey pixels as an element of the page. */
export function greyCanvas(picture: GreyPicture, label: string): HTMLCanvasElement {
  return canvas(picture, label, (pixel) => picture.data[pixel]!);
}

function canvas(
  { width, height }: { readonly width: number; readonly height: number },
  label: string,
  value: (pixel: number, channel: number) => number,
): HTMLCanvasElement {
  const result = element('canvas', { width, height, role: 'img', 'aria-label': label });
  const image = new ImageData(width, height);
  for (let i = 0; i < image.data.length; i++) image.data[i] = i % 4 === 3 ? 255 : value(i >> 2, i % 4);
  result.getContext('2d')!.putImageData(image, 0, 0);
  return result;
}
