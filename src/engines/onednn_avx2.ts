import { createOnednn, singleWeightScale, throughInverse } from './onednn.ts';
import { saturatingNeighbours, slotsWithinTaps } from './pairs.ts';
import { linearSteps, NARROW, nativeKernels, type PyTorchOptions } from './pytorch.ts';
import { f32, roundHalfEven } from './rounding.ts';
import type { Accumulation, LinearLayer, Engine, StepFunctions, SumsLayer } from './engine.ts';

/** Groups that are no whole words of four channels: oneDNN has no AVX2 kernel for them, and sums are exact. */
export function hasOddGroups({ groups, inputChannels, outputChannels }: SumsLayer): boolean {
  const isDepthwise = groups === inputChannels && groups === outputChannels;
  return (
    groups > 1 && !isDepthwise && [inputChannels, outputChannels].some((channels) => (channels / groups) % 4 !== 0)
  );
}

/**
 * Convolution: neighbouring channels of a tap are a pair, of a depthwise one each is alone; where a tap lies outside of the
 * picture it takes no part, not even in the zero point's term.
 */
function accumulation(layer: SumsLayer): Accumulation {
  if (layer.op === 'gemm') return saturatingNeighbours(layer);
  if (hasOddGroups(layer)) return 'exact';
  return { slots: slotsWithinTaps(layer), overflow: 'saturates', outside: 'nothing', rounds: true };
}

/** As onednn, but for the order of the roundings. Measured on PyTorch 2.13, AMD Zen 3. */
function linear(layer: LinearLayer): StepFunctions {
  const { input, output } = layer;
  const isOdd = hasOddGroups(layer);
  const inputScale = throughInverse(input.scale);
  const [outputScale, inverse] = [throughInverse(output.scale), throughInverse(f32(1 / output.scale))];
  const quantized = isOdd
    ? (value: number): number => f32(value / outputScale)
    : (value: number): number => f32(value * inverse);
  return linearSteps(layer, (stored, bias) => {
    const weightScale = singleWeightScale(layer, stored);
    const scale = f32(inputScale * weightScale);
    const real = isOdd
      ? (sum: number): number => f32(f32(f32(sum) * inputScale) * weightScale)
      : (sum: number): number => f32(f32(sum) * scale);
    return (accumulator) => roundHalfEven(f32(quantized(f32(real(accumulator) + bias)) + output.zeroPoint));
  });
}

/** PyTorch's onednn engine on a machine without AVX-512 VNNI and AVX-VNNI. */
export function createOnednnAvx2(options: PyTorchOptions = {}): Engine {
  return {
    ...createOnednn(options),
    ...nativeKernels(options, NARROW),
    name: 'onednn-avx2',
    description:
      'PyTorch onednn without VNNI: pairs of channels of a tap saturate; requantizes by way of float32 values',
    origins: [{ runtime: 'pytorch-onednn', processors: ['x64'] }],
    recipe: 'onednnAvx2',
    linear,
    accumulation,
  };
}
