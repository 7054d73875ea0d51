import { threadGrid } from './step.ts';
import { codeGeometry, layerWindow } from './geometry.ts';
import { packDepthwiseWeights } from './packing.ts';
import { hasExactSums, type LinearKernel } from './linear.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';

const { TILE } = KERNELS.depthwise.constants;

/** Integer multiplies, four columns by four channels a thread; any window. */
export const depthwise: LinearKernel = {
  name: 'depthwise',
  kinds: ['depthwise'],
  admits: hasExactSums,
  lower(linear) {
    const { output } = linear;
    return {
      operands: [packDepthwiseWeights(linear)],
      ...useKernel('depthwise', {
        geometry: { ...layerWindow(linear), ...codeGeometry(linear) },
      }),
      workgroups: threadGrid(output.batch * output.height * Math.ceil(output.width / TILE) * output.groups),
    };
  },
};
