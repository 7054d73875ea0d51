import { threadGrid } from './step.ts';
import { outputPixels } from '../layers/linear/geometry.ts';
import { layerWindow } from './geometry.ts';
import { packPairs } from './packing.ts';
import { type LinearKernel } from './linear.ts';
import { useKernel } from './kernel.ts';

/** Sums of pairs saturated to int16, as vpmaddubsw makes them: the only one for layers in which that happens. */
export const convPairs: LinearKernel = {
  name: 'conv_pairs',
  kinds: ['pointwise', 'conv', 'depthwise', 'grouped', 'gemm'],
  admits: ({ saturatingChannels }) => saturatingChannels > 0 || 'no pair of its products saturates',
  lower(linear) {
    const { layer, output } = linear;
    const { weights, corrections } = packPairs(linear);
    const pixels = outputPixels(linear);
    return {
      operands: [weights, corrections],
      ...useKernel('conv_pairs', {
        geometry: {
          ...layerWindow(linear),
          in_per_group: layer.inputChannels / layer.groups,
          out_per_group: layer.outputChannels / layer.groups,
          input_zero: layer.input.zeroPoint,
        },
        overrides: { ONE_GROUP: Number(layer.groups === 1), DEPTHWISE: Number(linear.kind === 'depthwise') },
      }),
      workgroups: threadGrid(pixels * output.groups),
    };
  },
};
