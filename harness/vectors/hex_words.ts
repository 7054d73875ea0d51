import { InvalidInputError } from '../../src/errors.ts';

const comments = /\/\/.*|\/\*[^]*?\*\//g;

/** The words of a text as $writememh has them: comments and addresses are left out. */
function wordsOf(text: string): string[] {
  return text
    .replaceAll(comments, '')
    .split(/[\s,]+/)
    .filter((word) => word !== '' && !word.startsWith('@'))
    .map((word) => word.replace(/^0x/i, '').replaceAll('_', ''));
}

/**
 * The integers of a text of hexadecimal words: bytes; or wider words in two's complement, one for each element; or, where
 * that are too few, several bytes a word, the first in the lowest bits.
 *
 * @param elements that are expected
 * @throws InvalidInputError where a word is not one (as x, which was never computed), or there are not as many as needed
 */
export function hexWords(
  text: string,
  path: string,
  elements?: number,
): Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  const words = wordsOf(text);
  const wrong = words.findIndex((word) => !/^[0-9a-f]+$/i.test(word));
  if (wrong >= 0) throw new InvalidInputError(`${path}: word ${wrong} is '${words[wrong]}', not a number`);
  const digits = words.reduce((most, word) => Math.max(most, word.length), 1);
  const bytes = Math.ceil(digits / 2);
  const isOneEach = elements === undefined ? bytes <= 4 : words.length === elements;
  if (bytes === 1 && isOneEach) return Uint8Array.from(words, (word) => parseInt(word, 16));
  if (bytes <= 4 && isOneEach) {
    const shift = 32 - 4 * digits;
    return Int32Array.from(words, (word) => (parseInt(word, 16) << shift) >> shift);
  }
  const count = elements ?? words.length * bytes;
  if (Math.ceil(count / bytes) !== words.length)
    throw new InvalidInputError(`${path}: ${words.length} words of ${bytes} bytes; ${count} elements are expected`);
  const packed = words.flatMap((word) => {
    const padded = word.padStart(2 * bytes, '0');
    return Array.from({ length: bytes }, (_, i) => parseInt(padded.slice(2 * (bytes - 1 - i), 2 * (bytes - i)), 16));
  });
  return Uint8Array.from(packed.slice(0, count));
}
