import { expect, it } from 'vitest';
import { Tensor } from '../../src/tensor.ts';
import { expectEqualBits, toEqualBits } from './matchers.ts';
import './vitest.ts';

const say = (received: unknown, expected: unknown): string => toEqualBits(received, expected).message();

it('equal bits pass: arrays, tensors, tensors by name, traces', () => {
  const tensor = new Tensor('uint8', [1, 2, 3, 4], [1, 4]);
  expect(tensor).toEqualBits(tensor.reshape([1, 4]));
  for (const value of [Float32Array.of(NaN, -0), tensor, { a: tensor, b: Int8Array.of(1) }])
    expect(toEqualBits(value, value).pass).toBe(true);
  const trace = { tensors: [{ name: 'x', type: 'uint8', shape: [2], data: Uint8Array.of(1, 2) }] };
  expectEqualBits(trace, { x: new Tensor(Uint8Array.of(1, 2)) });
  expect(say(tensor, tensor)).toBe('expected other bits, got the same');
});

it('what differs is said in a line a tensor', () => {
  const many = new Int32Array(30_000);
  const wrong = many.map((_, i) => (i % 3 === 1 ? i : 0));
  expect(say(wrong, many)).toBe(
    'expected the same bits\nvalue: 10,000 of 30,000 elements differ, by at most 29998; the first at 1: expected 0, got 1',
  );
  expect(say(Float32Array.of(-0), Float32Array.of(0))).toMatch(/by at most 0; the first at 0: expected 0, got -0$/);
  const oddNaN = new Float32Array(Uint32Array.of(0x7fc00001).buffer);
  expect(say(oddNaN, Float32Array.of(NaN))).toMatch(/expected NaN, got NaN with other bits$/);
  const y = new Tensor('uint8', [1, 2, 3, 4], [1, 2, 1, 2]);
  expect(say(new Tensor('uint8', [1, 2, 3, 9], [1, 2, 1, 2]), y)).toMatch(
    /the first at \[0, 1, 0, 1\] of \[1, 2, 1, 2\]: expected 4, got 9$/,
  );
  expect(say({ a: y }, { b: y })).toBe('expected the same bits\nb: missing\na: not expected');
  expect(say(y.reshape([4]), y)).toBe('expected the same bits\nvalue: uint8 [4], expected uint8 [1, 2, 1, 2]');
  expect(say(Int8Array.of(1), Uint8Array.of(1))).toMatch(/int8 \[1\], expected uint8 \[1\]/);
  const nine = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`t${i}`, Int8Array.of(i)]));
  const none = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`t${i}`, Int8Array.of(-1)]));
  expect(say(nine, none).split('\n')).toHaveLength(7);
  expect(say(nine, none)).toMatch(/and 4 more$/);
  expect(() => expectEqualBits(Int8Array.of(1), Int8Array.of(2))).toThrow('1 of 1 elements differ');
});

it.each([1, 'a', null, [1, 2], { a: 1 }, new Float64Array(1)])('%s has no bits that could be compared', (odd) => {
  expect(() => toEqualBits(odd, new Uint8Array(1))).toThrow(/bits are those of/);
});

it('of a tensor without its data, as a page returns it, is said what to return', () => {
  const output = { output: { type: 'float32', dims: [1] } };
  expect(() => toEqualBits(output, { output: new Float32Array(1) })).toThrow(
    /output: .*a page returns { type, dims, data }/,
  );
});
