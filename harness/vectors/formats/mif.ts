import { textWords, pieces, type VectorFormat } from './format.ts';

export const mif: VectorFormat = {
  name: 'mif',
  extension: '.mif',
  description: 'Intel (Altera) memory initialization: words as in hex',
  *encode(words) {
    const { bits, count, digits } = textWords(words);
    yield `-- ${words.title}\nDEPTH = ${count};\nWIDTH = ${bits};\n`;
    yield 'ADDRESS_RADIX = UNS;\nDATA_RADIX = HEX;\nCONTENT BEGIN\n';
    yield* pieces(count, (i) => `${i} : ${digits(i)};\n`);
    yield 'END;\n';
  },
};
