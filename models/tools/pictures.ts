import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { chromium } from 'playwright';
import { findChrome } from '../../harness/chrome/find.ts';
import type { Picture } from '../../src/pictures/picture.ts';
import { InvalidInputError } from '../../src/errors.ts';

export interface NamedPicture {
  readonly name: string;
  readonly picture: Picture;
}

/** Decodes picture files in headless Chrome. @throws InvalidInputError for one that it cannot decode */
export async function readPictures(paths: readonly string[]): Promise<NamedPicture[]> {
  const executablePath = findChrome();
  const browser = await chromium.launch(executablePath ? { executablePath } : {});
  try {
    const page = await browser.newPage();
    const pictures: NamedPicture[] = [];
    for (const path of paths) {
      const base64 = await readFile(path, 'base64');
      const { width, height, rgba } = await page.evaluate(decode, base64).catch((error: unknown) => {
        throw new InvalidInputError(`${path} cannot be decoded: ${String(error)}`);
      });
      pictures.push({ name: basename(path), picture: { width, height, data: rgba.filter((_, i) => i % 4 !== 3) } });
    }
    return pictures;
  } finally {
    await browser.close();
  }
}

/** Runs in the page. */
async function decode(base64: string): Promise<{ width: number; height: number; rgba: Uint8Array }> {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: 'none' });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d')!;
  context.drawImage(bitmap, 0, 0);
  return { width, height, rgba: new Uint8Array(context.getImageData(0, 0, width, height).data.buffer) };
}

export function mirrored({ width, height, data }: Picture): Picture {
  return pick(width, height, data, (x, y) => y * width + (width - 1 - x));
}

/** The largest square in the middle. */
export function centerSquare({ width, height, data }: Picture): Picture {
  const side = Math.min(width, height);
  const [left, top] = [(width - side) >> 1, (height - side) >> 1];
  return pick(side, side, data, (x, y) => (top + y) * width + left + x);
}

function pick(width: number, height: number, data: Uint8Array, from: (x: number, y: number) => number): Picture {
  const result = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const start = 3 * from(x, y);
      result.set(data.subarray(start, start + 3), 3 * (y * width + x));
    }
  return { width, height, data: result };
}
