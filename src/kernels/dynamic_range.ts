import { elementCount } from '../graph/graph.ts';
import type { Ranging } from '../join/joined.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { partOf, stepOf, type Step } from './step.ts';

/** Words of tensors of one value that lie behind another: where a binding may begin. */
const APART = 64;

/**
 * The scale and the zero point of what output/scaled writes, behind it.
 *
 * @param ranges where software/seen/range leaves them, in words of the output, and how many
 * @param mended the module of `mend`, those of its own slots, and what they read
 */
export function rangeOfSums(
  last: Layer,
  { range, scale, zeroPoint }: Ranging,
  ranges: { readonly at: number; readonly count: number },
  mended: Pick<Step, 'slots' | 'parameters'>,
): Step {
  const { writes } = last;
  const { channels, height, width, groups: channelGroups } = extent(writes);
  const elements = elementCount(writes.shape);
  const scaleAt = Math.ceil((ranges.at + 2 * ranges.count) / APART) * APART;
  const zeroAt = scaleAt + APART;
  const used = useKernel('dynamic_range', {
    geometry: {
      ranges_at: ranges.at,
      ranges: ranges.count,
      scale_at: scaleAt,
      zero_at: zeroAt,
      groups: groupsOf(writes),
      channels,
      channel_groups: channelGroups,
      pixels: height * width,
      tail: elements - (elements % 4),
    },
    slots: { mend: 'mend/scaled', arithmetic: 'arithmetic/integers' },
  });
  return {
    ...stepOf(last, { ...used, operands: [], workgroups: [1, 1, 1] }),
    slots: { ...mended.slots, arithmetic: used.slots.arithmetic },
    parameters: mended.parameters,
    parts: [range, scale, zeroPoint].map((layer) => partOf(layer)),
    behind: 4 * (zeroAt + APART - ranges.at),
    holds: [
      { tensor: scale.writes.name, offset: 4 * scaleAt },
      { tensor: zeroPoint.writes.name, offset: 4 * zeroAt },
    ],
  };
}
