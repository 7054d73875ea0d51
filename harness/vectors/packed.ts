import type { FileWords, VectorArray } from './array.ts';

/** Words of a bus are as wide as this, in steps of a byte. */
export const WORD_BITS = { least: 8, most: 512 } as const;

/** Hexadecimal digits of each word of an array, one element a word. */
export function hexDigits({ data, bits }: Pick<VectorArray, 'data' | 'bits'>): (index: number) => string {
  const digits = Math.ceil(bits / 4);
  const values = data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data;
  // exact: words have at most 53 bits
  return (index) => {
    const value = Number(values[index]);
    return (value < 0 ? value + 2 ** bits : value).toString(16).padStart(digits, '0');
  };
}

/** 8-bit elements in words of a bus, the first in the lowest bits; what the last word lacks is 0. */
export function busWords(words: FileWords, wordBits: number): FileWords {
  const lanes = wordBits / 8;
  const byte = hexDigits({ data: words.data, bits: 8 });
  return {
    ...words,
    bus: {
      bits: wordBits,
      count: Math.ceil(words.data.length / lanes),
      digits: (index) =>
        Array.from({ length: lanes }, (_, lane) => {
          const at = index * lanes + lanes - 1 - lane;
          return at < words.data.length ? byte(at) : '00';
        }).join(''),
    },
  };
}

/** One field of a word. */
export interface Field {
  readonly name: string;
  /** Its lowest bit. */
  readonly lsb: number;
  readonly bits: number;
  readonly signed: boolean;
}

/** Arrays of one element a channel, in one word a channel: fields one above the other, the first in the lowest bits. */
export function channelWords(arrays: readonly (readonly [name: string, array: VectorArray])[]) {
  let lsb = 0;
  const fields = arrays.map(([name, { bits, signed }]): Field => {
    const field = { name, lsb, bits, signed };
    lsb += bits;
    return field;
  });
  const bits = lsb;
  const digits = (channel: number): string => {
    let word = 0n;
    for (const [i, { lsb, bits }] of fields.entries())
      word |= BigInt.asUintN(bits, BigInt(Number(arrays[i]![1].data[channel]))) << BigInt(lsb);
    return word.toString(16).padStart(Math.ceil(bits / 4), '0');
  };
  return { fields, bus: { bits, count: arrays[0]![1].data.length, digits } };
}
