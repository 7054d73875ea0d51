import type { FileWords } from '../array.ts';

/** A way to write an array: one file of it. */
export interface VectorFormat {
  readonly name: string;
  /** With the dot. */
  readonly extension: string;
  /** For people: who reads it, and what a word is. */
  readonly description: string;
  /** The file, piece by piece. */
  encode(words: FileWords): Iterable<string | Uint8Array>;
}

/** Words that are turned into text at once. */
const PIECE = 8192;

/** Text of all words, in pieces: `text(i)` is word i. */
export function* pieces(count: number, text: (index: number) => string): Iterable<string> {
  for (let from = 0; from < count; from += PIECE) {
    let piece = '';
    for (let i = from; i < Math.min(count, from + PIECE); i++) piece += text(i);
    yield piece;
  }
}

/** Each word in hexadecimal digits: two's complement in as many bits as the words have, IEEE 754 for float32. */
export function hexDigits({ data, bits }: FileWords): (index: number) => string {
  const digits = Math.ceil(bits / 4);
  const values = data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data;
  // exact: words have at most 53 bits
  return (index) => {
    const value = Number(values[index]);
    return (value < 0 ? value + 2 ** bits : value).toString(16).padStart(digits, '0');
  };
}
