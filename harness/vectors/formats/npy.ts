import { writeNpy, type NpyArray } from '../../numpy/npy.ts';
import type { VectorFormat } from './format.ts';

export const npy: VectorFormat = {
  name: 'npy',
  extension: '.npy',
  description: 'NumPy: an array of the type and shape of the file',
  *encode({ shape, data }) {
    yield writeNpy({ shape, data: data as NpyArray['data'] });
  },
};
