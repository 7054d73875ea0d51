import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManifestArray, ManifestFile } from '../../harness/vectors/manifest.ts';
import { readNpy } from '../../harness/numpy/npy.ts';

type Words = Pick<ManifestArray, 'type' | 'bits' | 'signed'> & Pick<ManifestFile, 'wordBits'>;
type Reader = (bytes: Buffer, words: Words) => number[];

/** The elements of a word, the first in its lowest bits: two's complement, or the bits of a float32. */
function word(digits: string, { wordBits, ...words }: Words): number[] {
  const value = BigInt(`0x${digits}`);
  const width = wordBits ?? words.bits;
  if (value >> BigInt(width) !== 0n || digits.length !== Math.ceil(width / 4))
    throw new Error(`${digits} has not ${width} bits`);
  return Array.from({ length: Math.floor(width / words.bits) }, (_, i) =>
    element(BigInt.asUintN(words.bits, value >> BigInt(i * words.bits)), words),
  );
}

function element(value: bigint, { type, bits, signed }: Words): number {
  if (type !== 'float32') return Number(signed ? BigInt.asIntN(bits, value) : value);
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(value));
  return view.getFloat32(0);
}

const lines = (bytes: Buffer, comment: RegExp): string[] =>
  bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !comment.test(line));

/** Readers of every format, written from the formats' definitions alone. */
const READERS: Record<string, Reader> = {
  hex: (bytes, words) => lines(bytes, /^\/\//).flatMap((digits) => word(digits, words)),
  coe(bytes, words) {
    const text = lines(bytes, /^;/).join('');
    const [, radix, vector] = /^memory_initialization_radix=(\d+);memory_initialization_vector=([^;]*);$/.exec(text)!;
    if (radix !== '16') throw new Error(`radix ${radix}`);
    return vector!.split(',').flatMap((digits) => word(digits, words));
  },
  mif(bytes, words) {
    const text = lines(bytes, /^--/).join('\n');
    const header = /^DEPTH = (\d+);\nWIDTH = (\d+);\nADDRESS_RADIX = UNS;\nDATA_RADIX = HEX;\nCONTENT BEGIN\n/;
    const [head, depth, width] = header.exec(text)!;
    if (Number(width) !== (words.wordBits ?? words.bits)) throw new Error(`width ${width}`);
    const body = text.slice(head.length).split('\n');
    if (body.pop() !== 'END;' || body.length !== Number(depth)) throw new Error(`depth ${depth}`);
    return body.flatMap((line, i) => {
      const [, address, digits] = /^(\d+) : ([0-9a-f]+);$/.exec(line)!;
      if (Number(address) !== i) throw new Error(`address ${address}`);
      return word(digits!, words);
    });
  },
  bin(bytes, { type }) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const read: Record<string, [number, (at: number) => number]> = {
      uint8: [1, (at) => view.getUint8(at)],
      int8: [1, (at) => view.getInt8(at)],
      int32: [4, (at) => view.getInt32(at, true)],
      int64: [8, (at) => Number(view.getBigInt64(at, true))],
      float32: [4, (at) => view.getFloat32(at, true)],
    };
    const [size, get] = read[type]!;
    return Array.from({ length: bytes.length / size }, (_, i) => get(i * size));
  },
  npy: (bytes) => Array.from(readNpy(bytes).data, Number),
  c(bytes, { type }) {
    const [, count, body] = /static const \w+ \w+\[(\d+)\] = \{\n([^}]*)\};/.exec(bytes.toString())!;
    const values = body!
      .split(',')
      .map((text) => text.trim())
      .filter((text) => text !== '')
      .map((text) => {
        if (text === '-2147483647 - 1') return -0x80000000;
        if (/INFINITY$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
        if (type === 'float32' && !/^-?\d+(\.\d+)?(e[+-]?\d+)?f$/.test(text)) throw new Error(`${text} is no float`);
        return Number(text.replace(/f$/, ''));
      });
    if (values.length !== Number(count)) throw new Error(`${count} declared`);
    return values;
  },
};

/** The elements of a file, in its own order. */
export function readWords(folder: string, file: ManifestFile, { type, bits, signed }: Words): number[] {
  const { format, path, shape, wordBits } = file;
  const words = { type, bits, signed, ...(wordBits === undefined ? {} : { wordBits }) };
  const values = READERS[format]!(readFileSync(join(folder, path)), words);
  const count = shape.reduce((a, b) => a * b, 1);
  // what a last word lacks is 0
  if (values.slice(count).some((value) => value !== 0)) throw new Error(`${path}: more than ${count} elements`);
  return values.slice(0, count);
}

/** [a, tiles, c, d, tile] as [a, channels, c, d]. */
export function withoutTiles(
  values: readonly number[],
  [outer, tiles, height, width, tile]: readonly number[],
  channels: number,
): number[] {
  const result: number[] = [];
  const plane = height! * width!;
  for (let n = 0; n < outer!; n++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < plane; p++)
        result.push(values[((n * tiles! + Math.floor(c / tile!)) * plane + p) * tile! + (c % tile!)]!);
  return result;
}

/** [a, b, c, d] in channels-last order (NHWC, OHWI), as channels-first. */
export function channelsFirst(
  values: readonly number[],
  [outer, height, width, channels]: readonly number[],
): number[] {
  const result = new Array<number>(values.length);
  const plane = height! * width!;
  for (let n = 0; n < outer!; n++)
    for (let c = 0; c < channels!; c++)
      for (let p = 0; p < plane; p++)
        result[(n * channels! + c) * plane + p] = values[(n * plane + p) * channels! + c]!;
  return result;
}
