import type { Trace } from '../../src/trace.ts';
import type { NpyArray } from './npy.ts';
import { writeNpz } from './npz.ts';

/**
 * A trace as an .npz file, NCHW in C order: `<name>`, `<name>:qparams` = [scale, zero point] (float64) of 8-bit
 * tensors, `<name>:acc` (int32) where accumulators were asked for, and `meta`: JSON in UTF-8 bytes, what computed it, and
 * the `layout`.
 */
export function traceToNpz(trace: Trace, meta: object): Uint8Array<ArrayBuffer> {
  const arrays: [string, NpyArray][] = [];
  for (const { name, shape, data, quantization, accumulators } of trace.tensors) {
    arrays.push([name, { shape, data: data as NpyArray['data'] }]);
    if (quantization) {
      const { scale, zeroPoint } = quantization;
      arrays.push([`${name}:qparams`, { shape: [2], data: Float64Array.of(scale[0]!, zeroPoint[0]!) }]);
    }
    if (accumulators) arrays.push([`${name}:acc`, { shape, data: accumulators as Int32Array<ArrayBuffer> }]);
  }
  const json = new TextEncoder().encode(JSON.stringify({ layout: 'NCHW', ...meta }));
  arrays.push(['meta', { shape: [json.length], data: json }]);
  return writeNpz(arrays);
}
