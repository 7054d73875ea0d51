import { fma } from './float32.ts';
import { linearSteps, nativeKernels, type PyTorchOptions } from './pytorch.ts';
import { f32, roundHalfEven } from './rounding.ts';
import type { LinearLayer, Semantics, StepFunctions } from './semantics.ts';

/** Convolution and linear layer. The bias stays float; per tensor, the compiler contracts it into an fma. */
export function fbgemmLinear(layer: LinearLayer): StepFunctions {
  const { input, output } = layer;
  const perChannel = layer.weightScale.length > 1;
  const line = (weightScale: number, bias: number): { bias: number; scale: number } => {
    const scale = f32(input.scale * weightScale);
    return { bias: f32(bias / scale), scale: f32(scale / output.scale) };
  };
  const value = (weightScale: number, bias: number): ((accumulator: number) => number) => {
    const { bias: quotient, scale: multiplier } = line(weightScale, bias);
    const inverse = f32(1 / f32(input.scale * weightScale));
    return (accumulator) => {
      const sum = perChannel ? f32(f32(accumulator) + quotient) : fma(bias, inverse, f32(accumulator));
      return roundHalfEven(f32(sum * multiplier)) + output.zeroPoint;
    };
  };
  return linearSteps(layer, value, line);
}

/** FBGEMM's depthwise kernels, which saturate on every machine. */
export function isFastDepthwise({ op, groups, inputChannels, kernel, pads }: LinearLayer): boolean {
  const [size, width] = kernel;
  return (
    op === 'conv' &&
    groups === inputChannels &&
    groups % 8 === 0 &&
    size === width &&
    (size === 3 || size === 5) &&
    pads.every((pad) => pad === (size - 1) / 2)
  );
}

/** PyTorch's default engine until 1.13, on a machine with AVX-512 VNNI. */
export function createFbgemm(options: PyTorchOptions = {}): Semantics {
  return {
    name: 'fbgemm',
    description: 'PyTorch fbgemm with AVX-512 VNNI: float32 bias; depthwise layers saturate pairs of products',
    ...nativeKernels(options),
    linear: fbgemmLinear,
    accumulation: (layer) => (isFastDepthwise(layer) ? 'saturating-pairs' : 'exact'),
  };
}

/** The same on a machine without AVX-512 VNNI, where every layer goes through vpmaddubsw. */
export function createFbgemmAvx2(options: PyTorchOptions = {}): Semantics {
  return {
    ...createFbgemm(options),
    name: 'fbgemm-avx2',
    description: 'PyTorch fbgemm without AVX-512 VNNI: float32 bias; every layer saturates pairs of products',
    accumulation: () => 'saturating-pairs',
  };
}

export const fbgemm = createFbgemm();
export const fbgemmAvx2 = createFbgemmAvx2();
