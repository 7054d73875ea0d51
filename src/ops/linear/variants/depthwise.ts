import { threadGrid } from '../../step.ts';
import { codeGeometry, windowGeometry } from '../geometry.ts';
import { packDepthwiseWeights } from '../packing.ts';
import { notSaturating } from './conditions.ts';
import type { LinearVariant } from './variant.ts';
import { useKernel } from '../../../kernels/kernel.ts';

/** Columns that one thread computes. */
const TILE = 4;

/** Integer multiplies, four columns by four channels a thread; any window. */
export const depthwise: LinearVariant = {
  name: 'depthwise',
  kinds: ['depthwise'],
  admits: notSaturating,
  lower({ linear }) {
    const { output } = linear;
    return {
      links: [],
      operands: [packDepthwiseWeights(linear)],
      ...useKernel('depthwise', {
        geometry: { ...windowGeometry(linear), batch: output.batch, ...codeGeometry(linear) },
      }),
      workgroups: threadGrid(output.batch * output.height * Math.ceil(output.width / TILE) * output.groups),
    };
  },
};
