import { outputPixels } from '../layers/linear/geometry.ts';
import { pixelsByWords } from './dot.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';
import { hasExactSums, type LinearKernel } from './linear.ts';
import { threadGrid } from './step.ts';

const { TILE } = KERNELS.pointwise.constants;

/** Dot products of four bytes, four pixels by four channels a thread. */
export const pointwise: LinearKernel = {
  name: 'pointwise',
  kinds: ['pointwise', 'gemm'],
  admits: hasExactSums,
  lower(linear, target) {
    const { operands, given } = pixelsByWords(linear, target);
    return {
      operands,
      ...useKernel('pointwise', given),
      workgroups: threadGrid(Math.ceil(outputPixels(linear) / TILE) * linear.output.groups),
    };
  },
};
