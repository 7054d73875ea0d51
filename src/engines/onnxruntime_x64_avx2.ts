import type { Engine, SumsLayer } from './engine.ts';
import { onnxruntimeX64 } from './onnxruntime_x64.ts';
import { saturatingNeighbours } from './pairs.ts';

const isDepthwise = ({ groups, inputChannels, outputChannels }: SumsLayer): boolean =>
  groups > 1 && groups === inputChannels && groups === outputChannels;

/**
 * onnxruntime-x64 on a machine without AVX-512 VNNI or AVX-VNNI: uint8 by int8 goes through vpmaddubsw, but for depthwise
 * convolutions of one output channel a group. Measured on onnxruntime 1.32, AMD Zen 3.
 */
export const onnxruntimeX64Avx2: Engine = {
  ...onnxruntimeX64,
  name: 'onnxruntime-x64-avx2',
  description: 'onnxruntime for Python on x86-64 without VNNI: uint8 by int8 saturates pairs of products',
  origins: [{ runtime: 'onnxruntime', processors: ['x64'] }],
  accumulation(layer) {
    const isMixed = layer.input.type === 'uint8' && layer.weightType === 'int8';
    return isMixed && !isDepthwise(layer) ? saturatingNeighbours(layer) : 'exact';
  },
};
