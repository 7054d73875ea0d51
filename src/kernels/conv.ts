import { outputPixels } from '../layers/linear/geometry.ts';
import { dotLink, inputFlip, TILE } from './dot.ts';
import { windowGeometry } from './geometry.ts';
import { useKernel } from './kernel.ts';
import { notSaturating, type LinearKernel } from './linear.ts';
import { dotCorrections, packDotWeights, paddingWord } from './packing.ts';
import { threadGrid } from './step.ts';

/** Dot products of four bytes under a window, for groups of whole words. */
export const conv: LinearKernel = {
  name: 'conv',
  kinds: ['pointwise', 'conv', 'grouped', 'gemm'],
  admits(linear) {
    const { layer } = linear;
    const whole = [layer.inputChannels, layer.outputChannels].every((channels) => (channels / layer.groups) % 4 === 0);
    if (layer.groups > 1 && !whole) return 'its groups are not of whole words of four channels';
    return notSaturating(linear);
  },
  lower(linear, { features }) {
    const { layer, output } = linear;
    const { corrections, weightZero } = dotCorrections(linear);
    const pixels = outputPixels(linear);
    return {
      links: [dotLink(features)],
      operands: [packDotWeights(linear), corrections],
      ...useKernel('conv', {
        geometry: {
          ...windowGeometry(linear),
          pixels,
          in_group_words: Math.ceil(layer.inputChannels / layer.groups / 4),
          out_group_words: layer.groups === 1 ? output.groups : layer.outputChannels / layer.groups / 4,
          input_flip: inputFlip(linear),
          padding: paddingWord(linear),
        },
        overrides: { HAS_WEIGHT_ZERO: Number(weightZero) },
      }),
      workgroups: threadGrid(Math.ceil(pixels / TILE) * output.groups),
    };
  },
};
