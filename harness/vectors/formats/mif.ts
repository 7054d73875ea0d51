import { hexDigits, pieces, type VectorFormat } from './format.ts';

export const mif: VectorFormat = {
  name: 'mif',
  extension: '.mif',
  description: 'Intel (Altera) memory initialization: words as in hex',
  *encode(words) {
    const digits = hexDigits(words);
    const { length } = words.data;
    yield `-- ${words.title}\nDEPTH = ${length};\nWIDTH = ${words.bits};\n`;
    yield 'ADDRESS_RADIX = UNS;\nDATA_RADIX = HEX;\nCONTENT BEGIN\n';
    yield* pieces(length, (i) => `${i} : ${digits(i)};\n`);
    yield 'END;\n';
  },
};
