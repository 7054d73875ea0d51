import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { arithmetic, bitsOf } from './arithmetic.ts';
import { windowGeometry } from './geometry.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** No element has this number. */
const NEVER = 0xffffffff;

/** [k][group of 4 outputs] of 4, from filters [output][k]. */
function filterWords(filters: Float32Array, outputs: number): Uint32Array {
  const depth = filters.length / outputs;
  const padded = Math.ceil(outputs / 4) * 4;
  const words = new Float32Array(depth * padded);
  for (let o = 0; o < outputs; o++) for (let k = 0; k < depth; k++) words[k * padded + o] = filters[o * depth + k]!;
  return new Uint32Array(words.buffer);
}

/** A value for each channel, of whole groups; where there are none, what is bound and not read. */
export const biasWords = (bias: Float32Array | undefined): Uint32Array =>
  bitsOf([...(bias ?? []), ...Array.from({ length: bias ? -bias.length & 3 : 4 }, () => 0)]);

/** Four channels of a pixel a thread. */
export function lowerFloatConv(layer: Layer<'conv_float32'>, target: Target): Step {
  const { window, groups, filters, order, along, bias, biasFirst, addend, addendFirst, clamp, writes } = layer;
  const [input, output] = [extent(layer.reads[0]!), extent(writes)];
  const outputs = output.channels;
  const ofGroup = outputs / groups;
  const [pixel, channel] = along === 'pixels' ? [order.from, NEVER] : [NEVER, order.from / 4];
  const [least, most] = bitsOf(clamp?.bounds ?? [0, 0]);
  return stepOf(layer, {
    ...useKernel('conv_float32', {
      geometry: {
        ...windowGeometry(window, input, output),
        opaque: 0,
        out_channels: outputs,
        in_per_group: input.channels / groups,
        out_per_group: ofGroup,
        depth: order.depth,
        block: order.block,
        fours_pixel: pixel!,
        fours_group: channel!,
        least: least!,
        most: most!,
        compared_pixel: Math.min(clamp?.from ?? NEVER, NEVER),
      },
      overrides: {
        BIAS_FIRST: Number(bias !== undefined && biasFirst === true),
        BIAS_LAST: Number(bias !== undefined && !biasFirst),
        ADDEND_FIRST: Number(addend !== undefined && addendFirst === true),
        ADDEND_LAST: Number(addend !== undefined && !addendFirst),
        CLAMPS: Number(clamp !== undefined),
        ONE_GROUP: Number(groups === 1 || ofGroup % 4 === 0),
      },
      slots: { ...arithmetic(layer, target), sum: `product_sum/${order.as}` },
    }),
    operands: [
      { tensor: layer.reads[0]!.name },
      { data: filterWords(filters, outputs) },
      { data: biasWords(bias) },
      // where there is none, what is bound and not read
      { tensor: (addend ?? layer.reads[0]!).name },
    ],
    workgroups: threadGrid(groupsOf(writes)),
    macs: output.batch * output.height * output.width * filters.length,
  });
}
