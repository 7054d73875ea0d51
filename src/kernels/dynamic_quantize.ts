import type { Layer } from '../layers/layer.ts';
import { groupsOf } from '../layers/layout.ts';
import { arithmetic } from './arithmetic.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** float32 to uint8 by a scale and a zero point in memory: four elements a thread. */
export function lowerDynamicQuantize(layer: Layer<'dynamic_quantize'>, target: Target): Step {
  const groups = groupsOf(layer.writes);
  return stepOf(layer, {
    ...useKernel('dynamic_quantize', { geometry: { groups, opaque: 0 }, slots: arithmetic(layer, target) }),
    operands: layer.reads.map(({ name }) => ({ tensor: name })),
    workgroups: threadGrid(groups),
  });
}
