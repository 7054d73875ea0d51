import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/errors.ts';
import { readNpy, writeNpy, type NpyArray } from './npy.ts';

const ARRAYS: Record<string, NpyArray> = {
  '|u1': { shape: [2, 3], data: Uint8Array.of(0, 1, 2, 253, 254, 255) },
  '|i1': { shape: [3], data: Int8Array.of(-128, 0, 127) },
  '<i2': { shape: [1, 2], data: Int16Array.of(-32768, 32767) },
  '<u2': { shape: [2], data: Uint16Array.of(0, 65535) },
  '<u4': { shape: [1], data: Uint32Array.of(4294967295) },
  '<u8': { shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  '<i4': { shape: [2, 1, 1], data: Int32Array.of(-2147483648, 2147483647) },
  '<i8': { shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
  '<f4': { shape: [4], data: Float32Array.of(-0, NaN, Infinity, Math.fround(0.1)) },
  '<f8': { shape: [], data: Float64Array.of(0.1) },
};

/** A version 1 file with any header text. */
function file(header: string, data = new Uint8Array(0), major = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = major === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.from([0x93, ...new TextEncoder().encode('NUMPY'), major, 0, ...length, ...text, ...data]);
}

describe('.npy', () => {
  it.each(Object.entries(ARRAYS))('keeps %s bit for bit', (type, array) => {
    const bytes = writeNpy(array);
    expect(new TextDecoder('latin1').decode(bytes)).toContain(`'descr': '${type}'`);
    expect(bytes.length - array.data.byteLength).toBe(128);
    expect(readNpy(bytes)).toEqual(array);
    // A Buffer's own slice would not copy.
    expect(readNpy(Buffer.from(bytes))).toEqual(array);
  });

  it('writes the very bytes of numpy.save', () => {
    const numpy =
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPGkyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAg' +
      `${'ICAg'.repeat(17)}IAoBAP//`;
    const array = { shape: [2], data: Int16Array.of(1, -1) };
    expect(Buffer.from(writeNpy(array)).toString('base64')).toBe(numpy);
  });

  it('reads formats 2 and 3, and bytes that do not begin at a multiple of the element size', () => {
    const header = "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }\n";
    for (const major of [2, 3]) {
      const shifted = Uint8Array.from([0, ...file(header, Uint8Array.of(1, 2, 0, 0), major)]).subarray(1);
      expect(readNpy(shifted)).toEqual({ shape: [1], data: Int32Array.of(513) });
    }
  });

  it('reads big-endian arrays, and float16 as float32', () => {
    const header = (type: string): string => `{'descr': '${type}', 'fortran_order': False, 'shape': (2,), }\n`;
    expect(readNpy(file(header('>i4'), Uint8Array.of(0, 0, 1, 2, 255, 255, 255, 255))).data).toEqual(
      Int32Array.of(258, -1),
    );
    // numpy: 1.5, the least subnormal; -65504, minus infinity
    expect(readNpy(file(header('<f2'), Uint8Array.of(0x00, 0x3e, 0x01, 0x00))).data).toEqual(
      Float32Array.of(1.5, 2 ** -24),
    );
    expect(readNpy(file(header('>f2'), Uint8Array.of(0xfb, 0xff, 0xfc, 0x00))).data).toEqual(
      Float32Array.of(-65504, -Infinity),
    );
  });

  it('turns Fortran order into C order', () => {
    const header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }\n";
    // numpy.arange(12).reshape(2, 3, 2) in Fortran order.
    const bytes = file(header, Uint8Array.of(0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11));
    expect(readNpy(bytes)).toEqual({ shape: [2, 3, 2], data: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) });
  });

  it.each([
    ['another kind of file', new TextEncoder().encode('hello'), 'not an .npy file'],
    ['an empty file', new Uint8Array(0), 'not an .npy file'],
    ['a cut header', writeNpy(ARRAYS['<f4']!).subarray(0, 40), 'truncated'],
    ['cut data', writeNpy(ARRAYS['<f4']!).subarray(0, -1), '16 bytes, but 15 are there'],
    ['too much data', Uint8Array.from([...writeNpy(ARRAYS['<f4']!), 0]), '16 bytes, but 17 are there'],
    ['an unknown format', file('', undefined, 4), 'format 4'],
    ['text', file("{'descr': '<U5', 'fortran_order': False, 'shape': (0,), }"), '<U5'],
    ['a structure', file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (0,), }"), 'structured'],
    ['no shape', file("{'descr': '<f4', 'fortran_order': False}"), 'not that of an array'],
    ['a negative shape', file("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), 'not that of an array'],
    [
      'a huge shape',
      file("{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999, 99999999999999999), }"),
      'but 0 are there',
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readNpy(bytes)).toThrow(InvalidInputError);
    expect(() => readNpy(bytes)).toThrow(message);
  });
});
