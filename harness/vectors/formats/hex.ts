import { hexDigits, pieces, type VectorFormat } from './format.ts';

export const hex: VectorFormat = {
  name: 'hex',
  extension: '.hex',
  description:
    "Verilog's $readmemh: one word a line, hexadecimal, two's complement in the width that the manifest says",
  *encode(words) {
    const digits = hexDigits(words);
    yield `// ${words.title}\n`;
    yield* pieces(words.data.length, (i) => `${digits(i)}\n`);
  },
};
