import { double, doubleUp, single } from './fixed_point.ts';
import { fma } from './float32.ts';
import { f32 } from './rounding.ts';
import { fixedPointLinear } from './tflite.ts';
import {
  blockMean,
  byChannelBlocks,
  isBehindBlocks,
  realSum,
  tfliteBuiltin,
  transposedLinear,
} from './tflite_builtin.ts';
import { resizeByVectors } from './tflite_resize.ts';
import { tableSoftmax } from './tflite_softmax.ts';
import { hardSwishByNeon, rescaleFloat } from './tflite_unary.ts';
import type { Engine, LinearFunctions, LinearLayer } from './engine.ts';

/** Of more than one column ruy's kernels round once; depthwise uint8 goes through vector instructions for 3 by 3 alone. */
function linear(layer: LinearLayer): LinearFunctions {
  const { depthwise, transposed, kernel, output, outputChannels, pixels = 1 } = layer;
  if (transposed) return transposedLinear(layer);
  if (!depthwise) return fixedPointLinear(layer, pixels > 1 ? single : doubleUp);
  if (output.type === 'int8') return byChannelBlocks(layer);
  const isFast = kernel.every((size) => size === 3) && outputChannels % 8 === 0;
  return fixedPointLinear(layer, isFast ? doubleUp : double);
}

const SWISH_BLOCK = 8;
const { unary, tails } = tfliteBuiltin;

/** TensorFlow Lite's optimized kernels on ARM, without XNNPACK. Measured on LiteRT 2.3 under emulation, one thread. */
export const tfliteBuiltinArm64: Engine = {
  ...tfliteBuiltin,
  name: 'tflite-builtin-arm64',
  description: "TensorFlow Lite's optimized kernels on ARM, without XNNPACK",
  origins: [{ runtime: 'litert-builtin', processors: ['arm64-dot', 'arm64'] }],
  multiplyAdd: fma,
  linear,
  reduce: (layer) => (layer.op === 'ReduceSum' ? realSum(layer, fma) : blockMean(layer)),
  unary(layer) {
    if (layer.op === 'Rescale') return { body: rescaleFloat(layer, fma) };
    const functions = unary!(layer);
    if (layer.op !== 'HardSwish' || !functions) return functions;
    return { body: hardSwishByNeon(layer), tail: functions.body, isTail: isBehindBlocks(SWISH_BLOCK) };
  },
  resize: (layer) => resizeByVectors(layer, fma),
  softmax: tableSoftmax,
  dequantize({ scale, zeroPoint }) {
    const offset = f32(-zeroPoint * scale);
    return (q) => fma(q, scale, offset);
  },
  tails: tails!,
};
