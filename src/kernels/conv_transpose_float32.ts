import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { arithmetic } from './arithmetic.ts';
import { biasWords } from './conv_float32.ts';
import { windowGeometry } from './geometry.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** [tap][c of the group][group of 4 outputs] of 4, from filters [c][output of the group][tap]. */
function tapWords({ filters, window, groups, order: { depth } }: Layer<'conv_transpose_float32'>): Uint32Array {
  const taps = window.kernel[0] * window.kernel[1];
  const ofGroup = filters.length / (depth * groups * taps);
  const padded = Math.ceil((ofGroup * groups) / 4) * 4;
  const words = new Float32Array(taps * depth * padded);
  for (let i = 0; i < filters.length; i++) {
    const [tap, output, channel] = [i % taps, Math.floor(i / taps) % ofGroup, Math.floor(i / taps / ofGroup)];
    const o = Math.floor(channel / depth) * ofGroup + output;
    words[(tap * depth + (channel % depth)) * padded + o] = filters[i]!;
  }
  return new Uint32Array(words.buffer);
}

/** Four channels of a pixel a thread. */
export function lowerFloatConvTranspose(layer: Layer<'conv_transpose_float32'>, target: Target): Step {
  const { window, groups, filters, order, bias, writes } = layer;
  const [input, output] = [extent(layer.reads[0]!), extent(writes)];
  return stepOf(layer, {
    ...useKernel('conv_transpose_float32', {
      geometry: {
        ...windowGeometry(window, input, output),
        opaque: 0,
        out_channels: output.channels,
        in_per_group: order.depth,
        out_per_group: output.channels / groups,
        depth: order.depth,
        block: order.block,
        fours_pixel: order.from,
      },
      overrides: { BIAS_LAST: Number(bias !== undefined) },
      slots: { ...arithmetic(layer, target), sum: `product_sum/${order.as}` },
    }),
    operands: [{ tensor: layer.reads[0]!.name }, { data: tapWords(layer) }, { data: biasWords(bias) }],
    workgroups: threadGrid(groupsOf(writes)),
    macs: input.batch * input.height * input.width * filters.length,
  });
}
