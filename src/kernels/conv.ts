import { outputPixels } from '../layers/linear/geometry.ts';
import { dotModule, inputFlip } from './dot.ts';
import { layerWindow } from './geometry.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';
import { hasExactSums, type LinearKernel } from './linear.ts';
import { dotCorrections, packDotWeights, paddingWord } from './packing.ts';
import { threadGrid } from './step.ts';

const { TILE } = KERNELS.conv.constants;

/** Dot products of four bytes under a window, for groups of whole words. */
export const conv: LinearKernel = {
  name: 'conv',
  kinds: ['pointwise', 'conv', 'grouped', 'gemm'],
  admits(linear) {
    const { layer } = linear;
    const whole = [layer.inputChannels, layer.outputChannels].every((channels) => (channels / layer.groups) % 4 === 0);
    if (layer.groups > 1 && !whole) return 'its groups are not of whole words of four channels';
    return hasExactSums(linear);
  },
  lower(linear, { features }) {
    const { layer, output } = linear;
    const { corrections, weightZero } = dotCorrections(linear);
    return {
      operands: [packDotWeights(linear), corrections],
      ...useKernel('conv', {
        geometry: {
          ...layerWindow(linear),
          in_group_words: Math.ceil(layer.inputChannels / layer.groups / 4),
          out_group_words: layer.groups === 1 ? output.groups : layer.outputChannels / layer.groups / 4,
          input_flip: inputFlip(linear),
          padding: paddingWord(linear),
        },
        overrides: { HAS_WEIGHT_ZERO: Number(weightZero) },
        slots: { dot: dotModule(features) },
      }),
      workgroups: threadGrid(Math.ceil(outputPixels(linear) / TILE) * output.groups),
    };
  },
};
