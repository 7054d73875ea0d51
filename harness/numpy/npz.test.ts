import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { writeNpy, type NpyArray } from './npy.ts';
import { openNpz, writeNpz } from './npz.ts';
import { InvalidInputError } from '../../src/errors.ts';

const BYTES: NpyArray = { shape: [1, 2, 2], data: Uint8Array.of(1, 2, 3, 4) };
const ZEROS: NpyArray = { shape: [100_000], data: new Uint8Array(100_000) };
/** Offsets of fields in a zip's directory entry. */
const METHOD = 10;
const COMPRESSED = 20;
const SIZE = 24;

function deflated(array: NpyArray): Uint8Array {
  return zipSync({ 'a.npy': writeNpy(array) }, { level: 9 });
}

/** The same file with a 32-bit field of its (first) directory entry changed. */
function altered(zip: Uint8Array, field: number, value: number): Uint8Array {
  const copy = Buffer.from(zip);
  copy.writeUInt32LE(value, copy.indexOf('PK\x01\x02', 'latin1') + field);
  return copy;
}

function renamed(zip: Uint8Array, from: string, to: string): Uint8Array {
  return Buffer.from(Buffer.from(zip).toString('latin1').replaceAll(from, to), 'latin1');
}

function changedByte(zip: Uint8Array, at: number): Uint8Array {
  const copy = zip.slice();
  copy[at]! ^= 0x55;
  return copy;
}

describe('.npz', () => {
  it('keeps arrays, their names and their order', () => {
    const qparams: NpyArray = { shape: [2], data: Float64Array.of(0.1, 114) };
    const npz = openNpz(
      writeNpz([
        ['features.0.0', BYTES],
        ['features.0.0:qparams', qparams],
        ['Conv/Relu6;é', BYTES],
        ['__proto__', BYTES],
      ]),
    );
    expect(npz.names).toEqual(['features.0.0', 'features.0.0:qparams', 'Conv/Relu6;é', '__proto__']);
    expect(npz.read('features.0.0')).toEqual(BYTES);
    expect(npz.read('features.0.0:qparams')).toEqual(qparams);
  });

  it('writes the same bytes for the same arrays', () => {
    expect(writeNpz([['a', BYTES]])).toEqual(writeNpz([['a', BYTES]]));
  });

  it('reads deflated arrays', () => {
    expect(openNpz(deflated(ZEROS)).read('a')).toEqual(ZEROS);
  });

  it('names the arrays where one is not there', () => {
    expect(() => openNpz(deflated(BYTES)).read('b')).toThrow('no array "b"; it has a');
  });

  const stored = writeNpz([['a', BYTES]]);
  const packed = deflated(ZEROS);
  it.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(0), 'no zip directory'],
    ['a text', new TextEncoder().encode('hello '.repeat(20)), 'no zip directory'],
    ['a truncated file', stored.subarray(0, -30), 'no zip directory'],
    ['a file without its beginning', stored.subarray(40), 'directory is damaged'],
    ['a stored size that is not the size', altered(stored, SIZE, 1), 'cannot hold'],
    ['a huge declared size', altered(packed, SIZE, 0xfffffff0), 'cannot hold'],
    [
      'a huge stored size',
      altered(altered(stored, SIZE, 0xfffffff0), COMPRESSED, 0xfffffff0),
      'more than the 1073741824',
    ],
    ['zip64', altered(packed, SIZE, 0xffffffff), 'zip64'],
    ['more data than declared', altered(packed, SIZE, 99_000), 'more than the 99000 bytes it declares'],
    ['less data than declared', altered(packed, SIZE, 100_200), 'declares 100200'],
    ['another method', altered(packed, METHOD, 14), 'zip method 14'],
    ['a wrong byte in stored data', changedByte(stored, 40), 'checksum'],
    ['a wrong byte in deflated data', changedByte(packed, 60), 'damaged'],
    [
      'the same name twice',
      renamed(
        writeNpz([
          ['a', BYTES],
          ['b', BYTES],
        ]),
        'b.npy',
        'a.npy',
      ),
      'twice',
    ],
  ])('refuses %s', (_, bytes, message) => {
    const read = (): unknown => openNpz(bytes).read('a');
    expect(read).toThrow(InvalidInputError);
    expect(read).toThrow(message);
  });

  it('gives the arrays or a clear error, whatever bytes are changed or missing', () => {
    const files = [
      writeNpz([
        ['a', BYTES],
        ['b', { shape: [2], data: Float64Array.of(1, 2) }],
      ]),
      deflated(ZEROS),
    ];
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 3000; i++) {
      const file = files[i % 2]!.slice(0, random(4) === 0 ? random(files[i % 2]!.length) : undefined);
      for (let change = random(4); change > 0; change--) file[random(file.length)] = random(256);
      try {
        const npz = openNpz(file, { maxBytes: 2 ** 18 });
        npz.names.forEach((name) => npz.read(name));
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidInputError);
      }
    }
  }, 60_000);

  it('refuses a bomb before it unpacks anything', () => {
    expect(() => openNpz(packed, { maxBytes: 50_000 })).toThrow('unpack to 100128 bytes, more than the 50000 allowed');
  });
});

const goldens = '../shared/goldens';
describe.skipIf(!existsSync(goldens))('.npz files written by NumPy (needs ../shared)', () => {
  it('reads every array of every recorded trace', () => {
    for (const file of readdirSync(goldens).filter((name) => name.endsWith('.npz'))) {
      const npz = openNpz(readFileSync(`${goldens}/${file}`));
      const elements = npz.names.map((name) => npz.read(name).data.length);
      expect(Math.min(...elements), file).toBeGreaterThan(0);
      expect(npz.names.length, file).toBeGreaterThan(10);
    }
  }, 60_000);
});
