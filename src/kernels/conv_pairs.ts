import type { Pairs } from '../engines/engine.ts';
import { slotsPerTap } from '../engines/pairs.ts';
import { outputPixels } from '../layers/linear/geometry.ts';
import { codeGeometry, layerWindow } from './geometry.ts';
import { useKernel } from './kernel.ts';
import type { LinearKernel } from './linear.ts';
import { packPairs } from './packing.ts';
import { threadGrid } from './step.ts';

/** Sums of pairs in int16, as the layer's accumulation has them: the only one for layers in which that can be seen. */
export const convPairs: LinearKernel = {
  name: 'conv_pairs',
  kinds: ['pointwise', 'conv', 'depthwise', 'grouped', 'gemm'],
  admits: ({ accumulation }) => accumulation !== 'exact' || 'its sums are exact',
  lower(linear) {
    const { layer, output } = linear;
    const pairs = linear.accumulation as Pairs;
    const { weights, corrections, places, slots } = packPairs(linear, pairs);
    const inOrder = slotsPerTap(layer, { ...pairs, slots });
    const isInOrder = inOrder !== undefined;
    return {
      operands: [weights, corrections, isInOrder ? new Int32Array(4) : places],
      ...useKernel('conv_pairs', {
        geometry: {
          ...layerWindow(linear),
          ...codeGeometry(linear),
          in_per_group: layer.inputChannels / layer.groups,
          out_per_group: layer.outputChannels / layer.groups,
          slots: inOrder ?? slots.length,
        },
        overrides: {
          ONE_GROUP: Number(layer.groups === 1),
          DEPTHWISE: Number(linear.kind === 'depthwise'),
        },
        slots: {
          order: isInOrder ? 'pairs/order/in_order' : 'pairs/order/listed',
          overflow: `pairs/overflow/${pairs.overflow}`,
          outside: `pairs/outside/${pairs.outside.replace(' ', '_')}`,
          difference: pairs.rounds ? 'pairs/difference/float32' : 'pairs/difference/int32',
        },
      }),
      workgroups: threadGrid(outputPixels(linear) * output.groups),
    };
  },
};
