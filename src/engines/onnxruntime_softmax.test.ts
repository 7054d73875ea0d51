import { describe, expect, it } from 'vitest';
import { byteRange } from '../graph/graph.ts';
import { findEngine } from './index.ts';
import { f32 } from './rounding.ts';

/** A row of one largest value and others `distance` below it. */
function softmax(engine: string, scale: number, count: number, distance: number, type: 'uint8' | 'int8' = 'uint8') {
  const output = { type, scale: 1 / 256, zeroPoint: byteRange(type)[0] };
  const layer = { input: { type, scale, zeroPoint: 0 }, output, beta: 1, count };
  const functions = findEngine(engine).softmax!(layer);
  let sum: number = functions.terms[0]!;
  for (let i = 1; i < count; i++) sum = f32(sum + functions.terms[distance]!);
  return [0, distance].map((d) => functions.output(d)(sum));
}

describe('QLinearSoftmax', () => {
  // by onnxruntime-web 1.30, and by onnxruntime 1.32 on x86-64 and an emulated neoverse-n1
  it.each([
    [0.005213113967329264, 2, 242, [200, 56], [199, 57]],
    [0.028880825266242027, 3, 92, [224, 16], [225, 16]],
    [0.00866894330829382, 4, 164, [148, 36], [149, 36]],
    [0.9360150694847107, 7, 5, [242, 2], [243, 2]],
    [0.00821628700941801, 8, 69, [52, 29], [51, 29]],
  ])('of scale %f, %i values: the web rounds its quotient to float32 first', (scale, count, distance, web, native) => {
    expect(softmax('onnxruntime', scale, count, distance)).toEqual(web);
    for (const engine of ['onnxruntime-x64', 'onnxruntime-x64-avx2', 'onnxruntime-arm64', 'onnxruntime-arm64-nodot'])
      expect(softmax(engine, scale, count, distance)).toEqual(native);
  });

  it('takes its shift from a logarithm in float32', () => {
    // by a logarithm in double it would be 164
    for (const engine of ['onnxruntime', 'onnxruntime-x64', 'onnxruntime-arm64'])
      expect(softmax(engine, 0.012330952100455761, 8, 204)).toEqual([163, 13]);
  });

  it('clamps', () => {
    expect(softmax('onnxruntime', 1, 10, 200, 'int8')).toEqual([127, -128]);
    expect(softmax('onnxruntime-x64', 1, 10, 200)).toEqual([255, 0]);
  });

  it.each([
    ['onnxruntime', 1, 1 / 256, /leaves float32/],
    ['onnxruntime', 60_594, 1 / 256, /rows of 60594/],
    ['onnxruntime-x64', 10, 2 ** -40, /leaves float32/],
  ])('%s refuses %i values of scale %f', (engine, count, scale, message) => {
    const input = { type: 'uint8', scale: 1, zeroPoint: 0 } as const;
    expect(() => findEngine(engine).softmax!({ input, output: { ...input, scale }, beta: 1, count })).toThrow(message);
  });
});
