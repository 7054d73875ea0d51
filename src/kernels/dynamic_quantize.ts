import type { Layer } from '../layers/layer.ts';
import { groupsOf } from '../layers/layout.ts';
import { moderate } from './arithmetic.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import { placesOf, type Target } from './target.ts';

const { TILE } = KERNELS.dynamic_quantize.constants;

/** float32 to uint8 by a scale and a zero point in memory: four elements of four groups a thread. */
export function lowerDynamicQuantize(layer: Layer<'dynamic_quantize'>, target: Target): Step {
  const groups = groupsOf(layer.writes);
  const [step, plane] = placesOf(layer.reads[0]!, target);
  return stepOf(layer, {
    ...useKernel('dynamic_quantize', { geometry: { groups, step, plane, opaque: 0 }, slots: moderate(target) }),
    operands: layer.reads.map(({ name }) => ({ tensor: name })),
    workgroups: threadGrid(Math.ceil(groups / TILE)),
  });
}
