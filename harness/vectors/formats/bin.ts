import type { VectorFormat } from './format.ts';

export const bin: VectorFormat = {
  name: 'bin',
  extension: '.bin',
  description: 'the words alone, little-endian, in 8, 32 or 64 bits as the type says',
  // typed arrays are little-endian on every machine that Node runs on
  *encode({ data }) {
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  },
};
