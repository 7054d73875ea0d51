import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { arithmetic } from './arithmetic.ts';
import { windowGeometry } from './geometry.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** A float32 pool: four channels of a pixel a thread. */
export function lowerFloatPool(layer: Layer<'pool_float32'>, target: Target): Step {
  const { writes, window, size, order, takes, countsPads } = layer;
  const [height, width] = size;
  const input = { ...extent(layer.reads[0]!), height, width };
  // of no more dimensions than two, an output lies as pixels do
  const output = { ...input, height: window.size[0], width: window.size[1] };
  return stepOf(layer, {
    ...useKernel('pool_float32', {
      geometry: { ...windowGeometry(window, input, output), opaque: 0, counts_pads: Number(countsPads) },
      slots: {
        ...arithmetic(layer, target),
        taken: takes === 'mean' ? 'taken/mean' : 'taken/largest',
        order: `pool/${order}`,
      },
    }),
    operands: [{ tensor: layer.reads[0]!.name }],
    workgroups: threadGrid(groupsOf(writes)),
  });
}
