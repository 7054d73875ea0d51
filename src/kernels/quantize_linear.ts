import type { Layer } from '../layers/layer.ts';
import { groupsOf } from '../layers/layout.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';
import { KEY_FORMS, outputStage } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** float32 to bytes: WORDS words a thread. */
export function lowerQuantize(layer: Layer<'quantize'>, { preferences }: Target): Step {
  const stage = outputStage(layer, { ...preferences, forms: KEY_FORMS });
  const groups = groupsOf(layer.writes);
  return stepOf(layer, {
    ...useKernel('quantize_linear', { geometry: { groups } }, stage),
    operands: [{ tensor: layer.reads[0]!.name }],
    parameters: stage.parameters,
    workgroups: threadGrid(Math.ceil(groups / KERNELS.quantize_linear.constants.WORDS)),
    proof: stage.proof,
  });
}
