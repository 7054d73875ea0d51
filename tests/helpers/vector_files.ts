import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManifestArray, ManifestFile } from '../../harness/vectors/manifest.ts';
import { readNpy } from '../../harness/numpy/npy.ts';

type Words = Pick<ManifestArray, 'type' | 'bits' | 'signed'>;
type Reader = (bytes: Buffer, words: Words) => number[];

/** A word of `bits` bits, as an engineer would read it: two's complement, or the bits of a float32. */
function word(digits: string, { type, bits, signed }: Words): number {
  const value = BigInt(`0x${digits}`);
  if (value >> BigInt(bits) !== 0n) throw new Error(`${digits} has more than ${bits} bits`);
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
  hex: (bytes, words) => lines(bytes, /^\/\//).map((digits) => word(digits, words)),
  coe(bytes, words) {
    const text = lines(bytes, /^;/).join('');
    const [, radix, vector] = /^memory_initialization_radix=(\d+);memory_initialization_vector=([^;]*);$/.exec(text)!;
    if (radix !== '16') throw new Error(`radix ${radix}`);
    return vector!.split(',').map((digits) => word(digits, words));
  },
  mif(bytes, words) {
    const text = lines(bytes, /^--/).join('\n');
    const header = /^DEPTH = (\d+);\nWIDTH = (\d+);\nADDRESS_RADIX = UNS;\nDATA_RADIX = HEX;\nCONTENT BEGIN\n/;
    const [head, depth, width] = header.exec(text)!;
    if (Number(width) !== words.bits) throw new Error(`width ${width}`);
    const body = text.slice(head.length).split('\n');
    if (body.pop() !== 'END;' || body.length !== Number(depth)) throw new Error(`depth ${depth}`);
    return body.map((line, i) => {
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

/** The words of a file, in its own order. */
export function readWords(folder: string, file: ManifestFile, words: Words): number[] {
  return READERS[file.format]!(readFileSync(join(folder, file.path)), words);
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
