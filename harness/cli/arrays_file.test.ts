import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readArrays } from './arrays_file.ts';
import { writeNpy } from '../numpy/npy.ts';
import { writeNpz } from '../numpy/npz.ts';

const root = mkdtempSync(join(tmpdir(), 'exact8-arrays-'));
afterAll(() => rmSync(root, { recursive: true }));

const tensor = { name: 'y', type: 'uint8', shape: [1, 3] } as const;
const array = { shape: [1, 3], data: Uint8Array.of(1, 2, 3) };
const bytesOf = (data: Int32Array | Float32Array | BigInt64Array): Uint8Array => new Uint8Array(data.buffer);

describe('arrays that people have', () => {
  it.each([
    ['a.npy', '', writeNpy(array), 'a'],
    ['b.npz', '', writeNpz([['y', array]]), 'y'],
    [
      'c.npz',
      ':y',
      writeNpz([
        ['x', array],
        ['y', array],
      ]),
      'y',
    ],
    ['d.hex', '', '01\n02\n03\n', 'd'],
    ['e.bin', '', array.data, 'e'],
    ['f.dat', '', bytesOf(Int32Array.of(1, 2, 3)), 'f'],
    ['g.raw', '', bytesOf(Float32Array.of(1, 2, 3)), 'g'],
    ['h.raw', '', bytesOf(BigInt64Array.of(1n, 2n, 3n)), 'h'],
  ] as const)('%s%s', async (file, part, content, name) => {
    writeFileSync(join(root, file), content);
    const arrays = await readArrays(join(root, file) + part, tensor);
    expect(arrays.names).toEqual([name]);
    expect(Array.from(arrays.read(name).data, Number)).toEqual([1, 2, 3]);
  });

  it('says what is missing', async () => {
    writeFileSync(join(root, 'n.bin'), Uint8Array.of(1, 2, 3, 4));
    await expect(readArrays(join(root, 'n.bin'))).rejects.toThrow(/say --layer/);
    await expect(readArrays(join(root, 'n.bin'), tensor)).rejects.toThrow(/4 bytes, 'y' has 3 elements/);
    await expect(readArrays(`${join(root, 'c.npz')}:z`)).rejects.toThrow(/no array 'z'; nearest are 'x', 'y'/);
  });
});
