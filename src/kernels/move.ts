import { isByteType } from '../graph/graph.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** Each element from its place in the input: four a thread. */
export function lowerMove(layer: Layer<'move'>): Step {
  const { writes, as, places, base, fill } = layer;
  const groups = groupsOf(writes);
  const { height, width, batch, groups: channelGroups } = extent(writes);
  const isByte = isByteType(writes.type);
  return stepOf(layer, {
    ...useKernel('move', {
      geometry: {
        groups,
        out_height: height,
        out_width: width,
        channel_groups: channelGroups,
        batch,
        base,
        fill: isByte ? fill & 255 : new Uint32Array(Float32Array.of(fill).buffer)[0]!,
      },
      slots: { source: `source/${as}`, element: isByte ? 'element/byte' : 'element/word' },
    }),
    operands: [{ tensor: layer.reads[0]!.name }, { data: places }],
    workgroups: threadGrid(groups),
  });
}
