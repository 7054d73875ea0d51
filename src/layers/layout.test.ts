import { expect, it } from 'vitest';
import { newElementData, type TensorInfo } from '../graph/graph.ts';
import { pack, packedBytes, unpack } from './layout.ts';

it('puts channels beside each other, four to a group', () => {
  const info: TensorInfo = { name: 'x', type: 'uint8', shape: [1, 5, 1, 2] };
  const data = Uint8Array.from({ length: 10 }, (_, i) => i);
  // pixel 0: channels 0..3 are elements 0, 2, 4, 6; channel 4 is element 8, then padding
  expect([...pack(data, info)]).toEqual([0, 2, 4, 6, 8, 0, 0, 0, 1, 3, 5, 7, 9, 0, 0, 0]);
});

it.each([
  ['uint8', [2, 5, 3, 4]],
  ['int8', [1, 4, 2, 2]],
  ['float32', [3, 7, 1, 2]],
  ['int32', [2, 9]],
  ['float32', [6]],
  ['int64', [2, 3]],
] as const)('comes back as it was: %s %j', (type, shape) => {
  const info: TensorInfo = { name: 'x', type, shape };
  const count = shape.reduce((a: number, b) => a * b, 1);
  const data = newElementData(type, count);
  const number = (value: number) => (type === 'int64' ? BigInt(value) : value) as never;
  for (let i = 0; i < count; i++) data[i] = number(i * 7 - 50);
  const packed = pack(data, info);
  expect(packed.byteLength).toBe(packedBytes(info));
  expect(unpack(packed, info)).toEqual(data);
  // over what was there before
  const other = newElementData(type, count).fill(number(1)) as typeof data;
  expect(pack(data, info, pack(other, info))).toEqual(packed);
});
