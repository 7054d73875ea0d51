import { describe, expect, it } from 'vitest';
import { hexWords } from './hex_words.ts';

describe('hexadecimal words', () => {
  it.each([
    ['bytes, comments, addresses', '// a\n@0\n01 ff /* b\n */ 80', 3, [1, 255, 128]],
    ['words of 32 bits, two\u2019s complement', 'fffffff6\n00000101', 2, [-10, 257]],
    ['words of 20 bits', '0xfffff 0x7_ffff', 2, [-1, 0x7ffff]],
    [
      'bytes in words of 64 bits, the first in the lowest',
      '0807060504030201\n000000000000ff09',
      10,
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 255],
    ],
  ])('%s', (_, text, elements, values) => {
    expect([...hexWords(text, 'f', elements)]).toEqual(values);
  });

  it('refuses what is no number, and another count', () => {
    expect(() => hexWords('01 xx', 'f', 2)).toThrow("f: word 1 is 'xx', not a number");
    expect(() => hexWords('0102030405060708', 'f', 9)).toThrow('f: 1 words of 8 bytes; 9 elements are expected');
  });
});
