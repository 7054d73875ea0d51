import { threadGrid } from './step.ts';
import { outputPixels } from '../layers/linear/geometry.ts';
import { codeGeometry, layerWindow } from './geometry.ts';
import { packGroupedWeights } from './packing.ts';
import { hasExactSums, type LinearKernel } from './linear.ts';
import { useKernel } from './kernel.ts';

/** Integer multiplies, one channel at a time: groups of any number of channels. */
export const convGrouped: LinearKernel = {
  name: 'conv_grouped',
  kinds: ['grouped'],
  admits: hasExactSums,
  lower(linear) {
    const { layer, output } = linear;
    const pixels = outputPixels(linear);
    return {
      operands: [packGroupedWeights(linear)],
      ...useKernel('conv_grouped', {
        geometry: {
          ...layerWindow(linear),
          out_channels: layer.outputChannels,
          in_per_group: layer.inputChannels / layer.groups,
          out_per_group: layer.outputChannels / layer.groups,
          ...codeGeometry(linear),
        },
      }),
      workgroups: threadGrid(pixels * output.groups),
    };
  },
};
