import { fma } from './float32.ts';
import { lastBelow } from './float_lines.ts';
import { saturatingNeighbours } from './pairs.ts';
import { isPerChannel, linearSteps, nativeKernels, NARROW, type PyTorchOptions } from './pytorch.ts';
import { f32, INT32_END, roundHalfEven } from './rounding.ts';
import type { LinearLayer, Engine, StepFunctions, SumsLayer } from './engine.ts';

/**
 * Convolution and linear layer. The bias stays float; per tensor, the compiler contracts it into an fma. Values that are no
 * int32 become the smallest one.
 */
function fbgemmLinear(layer: LinearLayer): StepFunctions {
  const { output } = layer;
  const perChannel = isPerChannel(layer);
  const sumScale = (weightScale: number): number => f32(f32(layer.input.scale) * f32(weightScale));
  const line = (weightScale: number, bias: number): { bias: number; scale: number } => {
    const scale = sumScale(weightScale);
    return { bias: f32(bias / scale), scale: f32(scale / f32(output.scale)) };
  };
  const value = (weightScale: number, bias: number): ((accumulator: number) => number) => {
    const { bias: quotient, scale: multiplier } = line(weightScale, bias);
    const inverse = f32(1 / sumScale(weightScale));
    return (accumulator) => {
      const sum = perChannel ? f32(f32(accumulator) + quotient) : fma(bias, inverse, f32(accumulator));
      return f32(sum * multiplier);
    };
  };
  const integer = (v: number): number => (Math.abs(v) < INT32_END ? roundHalfEven(v) : -INT32_END) + output.zeroPoint;
  const integers = (weightScale: number, bias: number): ((accumulator: number) => number) => {
    const of = value(weightScale, bias);
    return (accumulator) => integer(of(accumulator));
  };
  const rises = (weightScale: number, bias: number): readonly [number, number] => [
    -INT32_END,
    lastBelow(value(weightScale, bias), INT32_END, -INT32_END, INT32_END - 1),
  ];
  return linearSteps(layer, integers, { line, rises });
}

/** FBGEMM's depthwise kernels, which saturate on every machine. */
function isFastDepthwise({ op, groups, inputChannels, kernel, pads }: SumsLayer): boolean {
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
export function createFbgemm(options: PyTorchOptions = {}): Engine {
  return {
    name: 'fbgemm',
    description: 'PyTorch fbgemm with AVX-512 VNNI: float32 bias; depthwise layers saturate pairs of products',
    origins: [{ runtime: 'pytorch-fbgemm', processors: ['x64-avx512-vnni'] }],
    recipe: 'fbgemm',
    ...nativeKernels(options),
    linear: fbgemmLinear,
    accumulation: (layer) => (isFastDepthwise(layer) ? saturatingNeighbours(layer) : 'exact'),
  };
}

/** The same on a machine without AVX-512 VNNI, where every layer goes through vpmaddubsw. */
export function createFbgemmAvx2(options: PyTorchOptions = {}): Engine {
  return {
    ...createFbgemm(options),
    ...nativeKernels(options, NARROW),
    name: 'fbgemm-avx2',
    description: 'PyTorch fbgemm without AVX-512 VNNI: float32 bias; every layer saturates pairs of products',
    origins: [{ runtime: 'pytorch-fbgemm', processors: ['x64-avx-vnni', 'x64-avx512', 'x64'] }],
    accumulation: saturatingNeighbours,
  };
}

export const fbgemm = createFbgemm();
export const fbgemmAvx2 = createFbgemmAvx2();
