import type { Step } from '../../src/kernels/step.ts';

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
