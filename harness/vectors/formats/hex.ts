import { textWords, pieces, type VectorFormat } from './format.ts';

export const hex: VectorFormat = {
  name: 'hex',
  extension: '.hex',
  description:
    "Verilog's $readmemh: one word a line, hexadecimal, two's complement in the width that the manifest says",
  *encode(words) {
    const { count, digits } = textWords(words);
    yield `// ${words.title}\n`;
    yield* pieces(count, (i) => `${digits(i)}\n`);
  },
};
