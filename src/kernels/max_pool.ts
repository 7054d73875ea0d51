import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { windowGeometry } from './geometry.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** The largest of a window, four channels a thread. */
export function lowerMaxPool(layer: Layer<'max_pool'>): Step {
  const [input, output] = [extent(layer.reads[0]!), extent(layer.writes)];
  return stepOf(layer, {
    ...useKernel('max_pool', {
      geometry: { ...windowGeometry(layer.window, input, output), sign: signMask(byteType(layer.writes)) },
    }),
    operands: [{ tensor: layer.reads[0]!.name }],
    workgroups: threadGrid(groupsOf(layer.writes)),
  });
}
