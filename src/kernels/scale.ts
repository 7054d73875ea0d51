import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** One value a channel, up to whole groups of four. */
function ofChannels<T extends Int32Array | Float32Array>(
  values: T,
  { channels, groups }: ReturnType<typeof extent>,
): T {
  const padded = new (values.constructor as new (length: number) => T)(groups * 4);
  for (let c = 0; c < channels; c++) padded[c] = values[values.length === 1 ? 0 : c]!;
  return padded;
}

/** int32 sums as float32, in integers: four elements a thread. */
export function lowerScale(layer: Layer<'scale'>): Step {
  const groups = groupsOf(layer.writes);
  const place = extent(layer.writes);
  const scales = ofChannels(layer.scales, place);
  return stepOf(layer, {
    ...useKernel('scale', { geometry: { groups, channel_groups: place.groups } }),
    operands: [
      { tensor: layer.reads[0]!.name },
      { data: ofChannels(layer.zeros, place) },
      { data: new Uint32Array(scales.buffer) },
    ],
    workgroups: threadGrid(groups),
  });
}
