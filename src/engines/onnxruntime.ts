import { UnsupportedModelError } from '../errors.ts';
import { byteRange } from '../graph/graph.ts';
import { twoRoundings } from './float32.ts';
import { float32Operators } from './onnxruntime_float32.ts';
import { FloatLines } from './float_lines.ts';
import { clamp, f32, roundHalfEven } from './rounding.ts';
import { exponentialSoftmax } from './onnxruntime_softmax.ts';
import { EVERY_PROCESSOR } from './origin.ts';
import type { AddFunctions, AddLayer, Engine, MultiplyAdd } from './engine.ts';

/**
 * y = rne(f32(f32(sum / sC) + zC)), sum = sA*(a-zA) + f32(sB*(b-zB)): ties to even after the zero point.
 *
 * @param multiplyAdd how the product with sA and the sum are rounded
 */
export function realAdd({ a, b, output, relu }: AddLayer, multiplyAdd: MultiplyAdd): AddFunctions['body'] {
  const [min, max] = byteRange(output.type);
  const low = relu ? Math.max(min, output.zeroPoint) : min;
  return (x, y) => {
    const sum = multiplyAdd(a.scale, x - a.zeroPoint, f32(b.scale * (y - b.zeroPoint)));
    return clamp(roundHalfEven(f32(f32(sum / output.scale) + output.zeroPoint)), low, max);
  };
}

/**
 * onnxruntime-web (wasm), which neither saturates nor fuses multiply-adds. Arithmetic read in MLAS and
 * measured on onnxruntime-web 1.30.
 */
export const onnxruntime: Engine = {
  name: 'onnxruntime',
  description: 'onnxruntime-web (wasm) at its default optimization level: float32 scale, ties to even',
  family: 'onnxruntime',
  origins: [{ runtime: 'onnxruntime-web', processors: EVERY_PROCESSOR }],
  rewrite: 'onnxruntime',
  recipe: 'onnxruntime',

  // S = f32(f32(sx*sw)/sy); y = rne(clamp(f32(f32(acc + bias) * S))) + zy
  linear(layer) {
    const { input, output, weightScale, bias } = layer;
    if (bias && !(bias instanceof Int32Array))
      throw new UnsupportedModelError('onnxruntime takes an int32 bias, got float32');
    return new FloatLines(layer.outputChannels, byteRange(output.type), (channel) => ({
      bias: bias ? bias[channel]! : 0,
      scale: f32(f32(input.scale * weightScale[weightScale.length === 1 ? 0 : channel]!) / output.scale),
      zeroPoint: output.zeroPoint,
    }));
  },

  accumulation: () => 'exact',

  add: (layer) => ({ body: realAdd(layer, twoRoundings) }),

  // y = rne(f32(f32(f32(f32(sA*(a-zA)) * f32(sB*(b-zB))) / sC) + zC)): ties to even after the zero point
  multiply({ a, b, output }) {
    const [min, max] = byteRange(output.type);
    return (x, y) => {
      const product = f32(f32(a.scale * (x - a.zeroPoint)) * f32(b.scale * (y - b.zeroPoint)));
      return clamp(roundHalfEven(f32(f32(product / output.scale) + output.zeroPoint)), min, max);
    };
  },

  // mean = f32(sum / n), of dequantized values. QLinearAveragePool: y = rne(f32(f32(mean / sy) + zy)), ties to even after
  // the zero point; ReduceMean is a float operator before a QuantizeLinear, whose ties are even before it
  averagePool({ op, input, output }) {
    const [min, max] = byteRange(output.type);
    const quantize = onnxruntime.quantize(output);
    const fused = (mean: number): number =>
      clamp(roundHalfEven(f32(f32(mean / output.scale) + output.zeroPoint)), min, max);
    const end = op === 'AveragePool' ? fused : quantize;
    return { value: onnxruntime.dequantize(input), output: (divisor) => (sum) => end(f32(sum / divisor)) };
  },

  // k = f32(sx / f32(sy*n)); y = rne(f32(f32(acc) * k)) + zy
  globalAveragePool({ input, output, count }) {
    const k = f32(input.scale / f32(output.scale * count));
    if (!(k >= 2 ** -32 && k < 2 ** 8))
      throw new UnsupportedModelError(
        `onnxruntime computes no average whose scale is ${k} (${input.scale} / (${output.scale} * ${count})); ` +
          'supported: from 2^-32 to below 2^8',
      );
    return new FloatLines(1, byteRange(output.type), () => ({ bias: 0, scale: k, zeroPoint: output.zeroPoint }));
  },

  softmax: (layer) => exponentialSoftmax(layer, f32),

  // of bytes: towards zero
  interpolate({ input, output, float }) {
    if (float) return { value: onnxruntime.dequantize(input), output: onnxruntime.quantize(output) };
    const [min, max] = byteRange(output.type);
    return { value: (q) => q, output: (sum) => clamp(Math.trunc(sum), min, max) };
  },

  float32: float32Operators,

  quantize(output) {
    const [min, max] = byteRange(output.type);
    return (x) => clamp(roundHalfEven(f32(x / output.scale)) + output.zeroPoint, min, max);
  },

  dequantize:
    ({ scale, zeroPoint }) =>
    (q) =>
      f32((q - zeroPoint) * scale),
};
