import type { TensorInfo } from '../graph/graph.ts';
import { addTable } from '../requantize/add.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { pairOperand, provePair } from './add.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** A function of two tensors of one shape, of which the ends of memory blocks have another. */
export function lowerTail(layer: Layer<'pair'>, { codes, ranges }: NonNullable<Layer<'pair'>['tail']>): Step {
  const [a, b] = layer.reads as [TensorInfo, TensorInfo];
  const proof = provePair(layer);
  const groups = groupsOf(a);
  const { channels, groups: channelGroups } = extent(a);
  return stepOf(layer, {
    operands: [
      pairOperand(layer, a),
      pairOperand(layer, b),
      { data: Uint32Array.from(ranges.flat()) },
      { data: addTable(codes) },
    ],
    parameters: [proof.parameters],
    ...useKernel('add_tail', {
      geometry: {
        groups,
        a_sign: signMask(byteType(a)),
        b_sign: signMask(byteType(b)),
        channels,
        channel_groups: channelGroups,
        tails: ranges.length,
      },
      overrides: { OUTPUT_SIGN: signMask(byteType(layer.writes)) },
      slots: { combine: `requantize/${proof.form}` },
    }),
    workgroups: threadGrid(groups),
  });
}
