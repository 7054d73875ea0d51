import type { Step } from '../../src/ops/step.ts';
import { stepCost } from '../../src/plan/cost.ts';
import type { Plan } from '../../src/plan/plan.ts';

/** Bytes that a dispatch reads and writes if it touches each once: tensors, weights, parameters. */
export function stepBytes(step: Step, plan: Plan): number {
  return stepCost(step, plan).bytes;
}

/** Which of MobileNet's kinds of layer a dispatch is, for totals. */
export type LayerKind = 'convolution' | 'depthwise' | 'pointwise' | 'other';

export function stepKind({ op, kernel }: Step): LayerKind {
  if (op !== 'Conv' && op !== 'Gemm' && op !== 'MatMul') return 'other';
  if (kernel.startsWith('depthwise')) return 'depthwise';
  return kernel.startsWith('pointwise') || kernel.startsWith('gemm') ? 'pointwise' : 'convolution';
}
