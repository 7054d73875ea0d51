import { outputPixels } from '../layers/linear/geometry.ts';
import { pixelsByWords, TILE } from './dot.ts';
import { notSaturating, type LinearKernel } from './linear.ts';
import { threadGrid } from './step.ts';

/** Dot products of four bytes, four pixels by four channels a thread. */
export const pointwise: LinearKernel = {
  name: 'pointwise',
  kinds: ['pointwise', 'gemm'],
  admits: notSaturating,
  lower: (linear, target) => ({
    ...pixelsByWords('pointwise', linear, target),
    workgroups: threadGrid(Math.ceil(outputPixels(linear) / TILE) * linear.output.groups),
  }),
};
