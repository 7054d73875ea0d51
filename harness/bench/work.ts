import { packedBytes } from '../../src/ops/layout.ts';
import type { Step } from '../../src/ops/step.ts';
import type { Plan } from '../../src/plan/plan.ts';

/** Bytes that a dispatch reads and writes if it touches each once: tensors, weights, parameters. */
export function stepBytes({ operands, parameters, output }: Step, { graph }: Plan): number {
  const tensorBytes = (name: string): number => packedBytes(graph.tensors.get(name)!);
  const read = operands.map((operand) => ('tensor' in operand ? tensorBytes(operand.tensor) : operand.data.byteLength));
  return [...read, ...parameters.map(({ byteLength }) => byteLength)].reduce((a, b) => a + b, tensorBytes(output));
}

/** Which of MobileNet's kinds of layer a dispatch is, for totals. */
export type LayerKind = 'convolution' | 'depthwise' | 'pointwise' | 'other';

export function stepKind({ op, kernel }: Step): LayerKind {
  if (op !== 'Conv' && op !== 'Gemm' && op !== 'MatMul') return 'other';
  if (kernel.startsWith('depthwise')) return 'depthwise';
  return kernel.startsWith('pointwise') || kernel.startsWith('gemm') ? 'pointwise' : 'convolution';
}
