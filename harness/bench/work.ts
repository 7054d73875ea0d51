import { packedBytes } from '../../src/ops/layout.ts';
import type { Step } from '../../src/ops/step.ts';
import type { Plan } from '../../src/plan/plan.ts';

/** Bytes that a dispatch reads and writes if it touches each once: tensors, weights, parameters. */
export function stepBytes({ operands, parameters, output }: Step, { graph }: Plan): number {
  const tensorBytes = (name: string): number => packedBytes(graph.tensors.get(name)!);
  const read = operands.map((operand) => ('tensor' in operand ? tensorBytes(operand.tensor) : operand.data.byteLength));
  const asked = parameters.map((data) => ('tensor' in data ? tensorBytes(data.tensor) : data.byteLength));
  return [...read, ...asked].reduce((a, b) => a + b, tensorBytes(output));
}

/** Which of MobileNet's kinds of layer a dispatch is, for totals. */
export type LayerKind = 'convolution' | 'depthwise' | 'pointwise' | 'block' | 'other';

const KINDS: Readonly<Record<string, LayerKind>> = {
  pointwise: 'pointwise',
  gemm: 'pointwise',
  depthwise: 'depthwise',
};

/** By what it computes, whichever kernel does; 'block' where that is several layers. */
export function stepKind({ variant, macs, parts = [] }: Step): LayerKind {
  if (parts.filter((part) => part.macs > 0).length > 1) return 'block';
  if (macs === 0) return 'other';
  const [summing] = [{ variant, macs }, ...parts].filter((step) => step.macs > 0 && step.variant);
  return KINDS[summing?.variant?.kind ?? ''] ?? 'convolution';
}
