import { byteRange } from '../graph/graph.ts';
import { fma, twoRoundings } from './float32.ts';
import { onnxruntime } from './onnxruntime.ts';
import { exponentialSoftmax } from './onnxruntime_softmax.ts';
import { clamp, f32, INT32_END, roundHalfEven } from './rounding.ts';
import type { Engine, MultiplyAdd, MultiplyLayer, SoftmaxFunctions, SoftmaxLayer } from './engine.ts';

/** Values that are no int32, NaN among them, become the smallest one. */
function toByte(value: number, min: number, max: number): number {
  return value < INT32_END ? clamp(roundHalfEven(value), min, max) : min;
}

/** (a-zA)(b-zB) * R + zC, R = f32(f32(sA*sB)/sC) */
export function productByRatio(
  { a, b, output }: MultiplyLayer,
  multiplyAdd: MultiplyAdd,
): (a: number, b: number) => number {
  const ratio = f32(f32(a.scale * b.scale) / output.scale);
  return (x, y) => multiplyAdd((x - a.zeroPoint) * (y - b.zeroPoint), ratio, output.zeroPoint);
}

/** Since 1.32 QLinearSoftmax rounds the product and the quotient once, to an integer. */
export const softmaxInDoubles = (layer: SoftmaxLayer): SoftmaxFunctions => exponentialSoftmax(layer, (x) => x);

/**
 * onnxruntime's Python wheel on x86-64 with AVX2, FMA and VNNI: convolutions, fully connected layers and pools as in the web
 * build; QLinearAdd, QLinearMul and the logistic function by kernels of their own. Measured on onnxruntime 1.32, one
 * thread. Without VNNI its kernels for uint8 by int8 saturate pairs of products, which is another engine.
 */
export const onnxruntimeX64: Engine = {
  ...onnxruntime,
  // in what order its floats are summed is not known
  float32: undefined,
  name: 'onnxruntime-x64',
  description: 'onnxruntime for Python on x86-64 with VNNI: adds and products by fused multiply-adds',
  origins: [{ runtime: 'onnxruntime', processors: ['x64-avx512-vnni', 'x64-avx-vnni'] }],
  multiplyAdd: fma,

  // y = rne(fma(a, rA, fma(b, rB, k))), rA = f32(sA/sC), rB = f32(sB/sC), k = f32(zC - fma(rA, zA, f32(rB*zB))), on the
  // raw a and b; where a is one value along the innermost axis, the two change places
  add(layer) {
    const { output, relu } = layer;
    const [a, b] = layer.swapped ? [layer.b, layer.a] : [layer.a, layer.b];
    const [min, max] = byteRange(output.type);
    const low = relu ? Math.max(min, output.zeroPoint) : min;
    const [rA, rB] = [f32(a.scale / output.scale), f32(b.scale / output.scale)];
    const k = f32(output.zeroPoint - fma(rA, a.zeroPoint, f32(rB * b.zeroPoint)));
    const body = (x: number, y: number): number => toByte(fma(x, rA, fma(y, rB, k)), low, max);
    return { body: layer.swapped ? (x, y) => body(y, x) : body };
  },

  // y = rne(f32(f32((a-zA)(b-zB) * R) + zC))
  multiply(layer) {
    const [min, max] = byteRange(layer.output.type);
    const product = productByRatio(layer, twoRoundings);
    return (x, y) => toByte(product(x, y), min, max);
  },

  softmax: softmaxInDoubles,

  // a float32 ReduceMean is summed in vectors, in an order that depends on where the tensor lies in memory
  averagePool: (layer) => (layer.op === 'ReduceMean' ? undefined : onnxruntime.averagePool!(layer)),
};
