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
    const { input_sign, input_zero } = codeGeometry(linear);
    return {
      operands: [weights, corrections, inOrder === undefined ? places : new Int32Array(4)],
      ...useKernel('conv_pairs', {
        geometry: {
          ...layerWindow(linear),
          in_per_group: layer.inputChannels / layer.groups,
          out_per_group: layer.outputChannels / layer.groups,
          input_zero,
          slots: inOrder ?? slots.length,
        },
        overrides: {
          ONE_GROUP: Number(layer.groups === 1),
          DEPTHWISE: Number(linear.kind === 'depthwise'),
          INPUT_SIGN: input_sign,
          OFFSET: pairs.overflow === 'wraps' ? 128 : 0,
          WRAPS: Number(pairs.overflow === 'wraps'),
          NOTHING_OUTSIDE: Number(pairs.outside === 'nothing'),
          ROUNDS: Number(pairs.rounds === true),
          LISTED: Number(inOrder === undefined),
        },
      }),
      workgroups: threadGrid(outputPixels(linear) * output.groups),
    };
  },
};
