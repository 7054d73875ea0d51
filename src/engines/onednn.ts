import { isPerChannel, linearSteps, nativeKernels, type PyTorchOptions } from './pytorch.ts';
import { f32, roundHalfEven } from './rounding.ts';
import type { LinearLayer, Engine, StepFunctions } from './engine.ts';

/**
 * Convolution and linear layer: dequantized to float32, the bias added, quantized again.
 * ReLU as max(v, 0) is the same as the clamp at the zero point.
 */
function onednnLinear(layer: LinearLayer): StepFunctions {
  const inputScale = throughInverse(layer.input.scale);
  const inverse = throughInverse(f32(1 / layer.output.scale));
  return linearSteps(layer, (stored, bias) => {
    const weightScale = singleWeightScale(layer, stored);
    return (accumulator) => {
      const value = f32(f32(f32(f32(accumulator) * inputScale) * weightScale) + bias);
      return roundHalfEven(f32(f32(value * inverse) + layer.output.zeroPoint));
    };
  });
}

/**
 * PyTorch hands inverses of scales to oneDNN, which inverts them back: not always the same. So go the input's and the
 * output's, and a linear layer's weights'.
 */
export const throughInverse = (scale: number): number => f32(1 / f32(1 / scale));

/** A weight scale as a float32: a linear layer's goes through its inverse. */
export function singleWeightScale(layer: LinearLayer, stored: number): number {
  if (layer.op !== 'gemm') return f32(stored);
  return throughInverse(isPerChannel(layer) ? f32(stored) : stored);
}

/** PyTorch's onednn engine on a machine with AVX-512 VNNI. */
export function createOnednn(options: PyTorchOptions = {}): Engine {
  return {
    name: 'onednn',
    description: 'PyTorch onednn with AVX-512 VNNI: requantizes by way of float32 values',
    origins: [{ runtime: 'pytorch-onednn', processors: ['x64-avx512-vnni'] }],
    recipe: 'onednn',
    ...nativeKernels(options),
    linear: onednnLinear,
    accumulation: () => 'exact',
  };
}

export const onednn = createOnednn();
