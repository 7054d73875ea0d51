import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { windowFields } from './geometry.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** The largest of a window, four channels a thread. */
export function lowerMaxPool(layer: Layer<'max_pool'>): Step {
  const [input, output] = [extent(layer.reads[0]!), extent(layer.writes)];
  const groups = groupsOf(layer.writes);
  return stepOf(layer, {
    ...useKernel('max_pool', {
      geometry: {
        in_height: input.height,
        in_width: input.width,
        out_height: output.height,
        out_width: output.width,
        channel_groups: output.groups,
        ...windowFields(layer.window),
        groups,
        sign: signMask(byteType(layer.writes)),
      },
    }),
    operands: [{ tensor: layer.reads[0]!.name }],
    workgroups: threadGrid(groups),
  });
}
