import { outputPixels } from '../layers/linear/geometry.ts';
import { pixelsByWords } from './dot.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';
import { hasExactSums, type LinearKernel } from './linear.ts';
import { workgroupGrid } from './step.ts';

const { TILE } = KERNELS.pointwise.constants;

/**
 * Dot products of four bytes from tiles of both operands in workgroup memory: 4 * side pixels by side groups of channels
 * a workgroup, whose 64 / side^2 slices share the words of a sum. The smaller the side, the more workgroups there are for
 * few pixels.
 */
export const pointwiseTiled: LinearKernel = {
  name: 'pointwise_tiled',
  kinds: ['pointwise', 'gemm'],
  tiles: [8, 4, 2],
  admits: hasExactSums,
  lower(linear, target, side) {
    const rows = Math.ceil(outputPixels(linear) / (TILE * side));
    const { operands, given } = pixelsByWords(linear, target);
    return {
      operands,
      ...useKernel('pointwise_tiled', { ...given, counts: { SIDE: side } }),
      workgroups: workgroupGrid(rows * Math.ceil(linear.output.groups / side)),
    };
  },
};
