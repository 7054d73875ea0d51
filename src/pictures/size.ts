import { InvalidInputError } from '../errors.ts';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

const formatCount = (count: number): string => count.toLocaleString('en-US');

/** What a canvas takes, and what fits into memory several times. */
const MOST_SIDE = 16_384;
const MOST_PIXELS = 2 ** 27;

/** @throws InvalidInputError for a picture that is too large to decode: a canvas of its size would stay empty */
export function checkSize({ width, height }: PictureSize): void {
  if (Math.max(width, height) <= MOST_SIDE && width * height <= MOST_PIXELS) return;
  throw new InvalidInputError(
    `the picture has ${formatCount(width)} × ${formatCount(height)} pixels; supported: ${formatCount(MOST_PIXELS)} in all, ` +
      `${formatCount(MOST_SIDE)} a side: make it smaller`,
  );
}

const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export const isPng = (file: Uint8Array): boolean => PNG_MAGIC.every((byte, i) => file[i] === byte);
export const isJpeg = (file: Uint8Array): boolean => file[0] === 0xff && file[1] === 0xd8;

/** The size that a PNG or JPEG file declares; undefined for any other, or where it declares none. */
export function declaredSize(file: Uint8Array): PictureSize | undefined {
  if (isJpeg(file)) return jpegFrame(file);
  if (!isPng(file) || file.length < 24) return undefined;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** What a JPEG's frame header says: its size, and the sampling factors of the components, a byte each. */
interface JpegFrame extends PictureSize {
  readonly factors: readonly number[];
}

/** Undefined where there is no whole frame header. */
export function jpegFrame(file: Uint8Array): JpegFrame | undefined {
  const word = (at: number): number => (file[at]! << 8) | file[at + 1]!;
  for (let at = 2; at + 4 <= file.length && file[at] === 0xff;) {
    const marker = file[at + 1]!;
    // SOF0 to SOF15, but for DHT, JPG and DAC
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      const count = file[at + 9] ?? 0;
      if (at + 10 + 3 * count > file.length) return undefined;
      const factors = Array.from({ length: count }, (_, i) => file[at + 11 + 3 * i]!);
      return { width: word(at + 7), height: word(at + 5), factors };
    }
    // a fill byte stands alone
    at += marker === 0xff ? 1 : 2 + word(at + 2);
  }
  return undefined;
}
