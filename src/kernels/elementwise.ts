import type { Layer } from '../layers/layer.ts';
import { groupsOf } from '../layers/layout.ts';
import { arithmetic, constantsOf } from './arithmetic.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** A float32 function of one tensor: four elements a thread. */
export function lowerFunction(layer: Layer<'function'>, target: Target): Step {
  const groups = groupsOf(layer.writes);
  const { shader } = layer.function;
  return stepOf(layer, {
    ...useKernel('elementwise', {
      geometry: { groups, opaque: 0 },
      slots: { ...arithmetic(layer, target), function: `function/${shader}` },
    }),
    operands: [{ tensor: layer.reads[0]!.name }],
    parameters: constantsOf(layer.function),
    workgroups: threadGrid(groups),
  });
}
