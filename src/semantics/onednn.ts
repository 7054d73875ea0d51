import { linearSteps, nativeKernels, type PyTorchOptions } from './pytorch.ts';
import { f32, roundHalfEven } from './rounding.ts';
import type { LinearLayer, Semantics, StepFunctions } from './semantics.ts';

/**
 * Convolution and linear layer: dequantized to float32, the bias added, quantized again.
 * ReLU as max(v, 0) is the same as the clamp at the zero point.
 */
export function onednnLinear(layer: LinearLayer): StepFunctions {
  // PyTorch hands the inverse of the input's scale to oneDNN, which inverts it back: not always sx.
  const inputScale = f32(1 / f32(1 / layer.input.scale));
  const inverse = f32(1 / layer.output.scale);
  return linearSteps(layer, (weightScale, bias) => (accumulator) => {
    const value = f32(f32(f32(f32(accumulator) * inputScale) * f32(weightScale)) + bias);
    return roundHalfEven(f32(f32(value * inverse) + layer.output.zeroPoint));
  });
}

/** PyTorch's onednn engine on a machine with AVX-512 VNNI. */
export function createOnednn(options: PyTorchOptions = {}): Semantics {
  return {
    name: 'onednn',
    description: 'PyTorch onednn with AVX-512 VNNI: requantizes by way of float32 values',
    ...nativeKernels(options),
    linear: onednnLinear,
    accumulation: () => 'exact',
  };
}

export const onednn = createOnednn();
