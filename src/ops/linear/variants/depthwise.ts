import { threadGrid } from '../../step.ts';
import { codeGeometry, windowGeometry } from '../geometry.ts';
import { packDepthwiseWeights } from '../packing.ts';
import { notSaturating } from './conditions.ts';
import type { LinearVariant } from './variant.ts';

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
      kernel: 'depthwise',
      links: [],
      operands: [packDepthwiseWeights(linear)],
      geometry: { ...windowGeometry(linear), batch: output.batch, ...codeGeometry(linear) },
      overrides: {},
      workgroups: threadGrid(output.batch * output.height * Math.ceil(output.width / TILE) * output.groups),
    };
  },
};
