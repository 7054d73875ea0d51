import { UnsupportedModelError } from '../errors.ts';
import { EVERY_PROCESSOR } from './origin.ts';
import { f32, roundHalfEven } from './rounding.ts';
import { sumSteps, tflite } from './tflite.ts';
import { xnnpack } from './xnnpack.ts';
import type { Engine, PoolLayer, ReduceLayer, StepFunctions } from './engine.ts';

/** MEAN over height and width: rne(f32(f32(sum) * f32(sx / f32(n*sy)))), the zero point behind it. */
function mean(layer: PoolLayer): StepFunctions {
  const { input, output, count } = layer;
  const scale = f32(input.scale / f32(count * output.scale));
  return sumSteps(layer, scale, (sum) => roundHalfEven(f32(f32(sum) * scale)) + output.zeroPoint);
}

function reduce(layer: ReduceLayer): StepFunctions {
  if (layer.op === 'ReduceSum')
    throw new UnsupportedModelError('a SUM, whose arithmetic is not known; supported: MEAN');
  if (layer.folded)
    throw new UnsupportedModelError('a MEAN over other axes than height and width, whose arithmetic is not known');
  return mean(layer);
}

/**
 * TensorFlow Lite in browsers: the WebAssembly of tfjs-tflite 0.0.1-alpha.10, whose XNNPACK is of 2023. Measured on it in Node
 * 20: 456 recorded operators, and MEAN on 39,600 values, 0 differ.
 */
export const tfjsTflite: Engine = {
  ...xnnpack,
  name: 'tfjs-tflite',
  description: 'TensorFlow Lite in browsers (tfjs-tflite, of 2023): as xnnpack, but for MEAN and what rescales bytes',
  origins: [{ runtime: 'tfjs-tflite', processors: EVERY_PROCESSOR }],
  // XNNPACK does not take one of a scale for each channel
  linear: (layer) => (layer.transposed && layer.perChannel ? tflite : xnnpack).linear(layer),
  globalAveragePool: (layer) => (layer.op === 'AveragePool' ? tflite.globalAveragePool(layer) : mean(layer)),
  reduce,
  unary(layer) {
    // CONCATENATION copies bytes, whatever they mean
    if (layer.op === 'Rescale') return { body: (x) => x };
    const isOfTypes = layer.op === 'Requantize' && layer.input.type !== layer.output.type;
    return (isOfTypes ? tflite : xnnpack).unary!(layer);
  },
};
