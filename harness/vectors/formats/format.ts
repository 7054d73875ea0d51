import type { FileWords } from '../array.ts';
import { hexDigits } from '../packed.ts';

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

/** The words of a text: how many and how wide they are, and each in hexadecimal digits, two's complement or IEEE 754. */
export const textWords = (words: FileWords): NonNullable<FileWords['bus']> =>
  words.bus ?? { bits: words.bits, count: words.data.length, digits: hexDigits(words) };
