import { zipSync } from 'fflate';
import type { Random } from '../../../models/random.ts';
import { readNpy, writeNpy } from '../../../harness/numpy/npy.ts';
import { openNpz, writeNpz } from '../../../harness/numpy/npz.ts';
import { limit, spliced, type FuzzedFormat } from '../format.ts';
import { mutateZip } from './zip.ts';

const ARRAYS = [
  ['x', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['y', { shape: [300], data: new Uint8Array(300) }],
  ['s', { shape: [], data: BigInt64Array.of(7n) }],
] as const;

/** A number in the header is another. */
function mutateHeader(file: Uint8Array, random: Random): Uint8Array {
  const numbers = [...Buffer.from(file).subarray(0, 128).toString('latin1').matchAll(/\d+/g)];
  if (numbers.length === 0) return file;
  const number = random.pick(numbers);
  const by = Buffer.from(String(Math.abs(limit(random))));
  return spliced(file, number.index, number.index + number[0].length, by);
}

export const npy: FuzzedFormat = {
  name: 'npy',
  corpus: async () => ARRAYS.map(([, array]) => writeNpy(array)),
  mutate: mutateHeader,
  use: (file) => readNpy(file),
};

export const npz: FuzzedFormat = {
  name: 'npz',
  corpus: async () => [
    writeNpz(ARRAYS),
    zipSync(Object.fromEntries(ARRAYS.map(([name, array]) => [`${name}.npy`, writeNpy(array)])), { level: 9 }),
  ],
  mutate: mutateZip,
  use(file) {
    const arrays = openNpz(file);
    for (const name of arrays.names) arrays.read(name);
  },
};
