import { textWords, pieces, type VectorFormat } from './format.ts';

export const coe: VectorFormat = {
  name: 'coe',
  extension: '.coe',
  description: 'Xilinx block memories: words as in hex',
  *encode(words) {
    const { count, digits } = textWords(words);
    const last = count - 1;
    yield `; ${words.title}\nmemory_initialization_radix=16;\nmemory_initialization_vector=\n`;
    yield* pieces(count, (i) => `${digits(i)}${i === last ? ';' : ','}\n`);
  },
};
