import { threadGrid } from '../../step.ts';
import { codeGeometry, outputPixels, layerWindow } from '../geometry.ts';
import { packGroupedWeights } from '../packing.ts';
import { notSaturating } from './conditions.ts';
import type { LinearVariant } from './variant.ts';
import { useKernel } from '../../../kernels/kernel.ts';

/** Integer multiplies, one channel at a time: groups of any number of channels. */
export const convGrouped: LinearVariant = {
  name: 'conv_grouped',
  kinds: ['grouped'],
  admits: notSaturating,
  lower({ linear }) {
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
