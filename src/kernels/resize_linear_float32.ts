import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { arithmetic } from './arithmetic.ts';
import { useKernel } from './kernel.ts';
import { neighbourWords } from './resize_bilinear.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** Four channels of a pixel a thread. */
export function lowerFloatResizeLinear(layer: Layer<'resize_linear_float32'>, target: Target): Step {
  const { rows, columns, writes } = layer;
  const [input] = layer.reads;
  const [from, to] = [extent(input!), extent(writes)];
  const groups = groupsOf(writes);
  return stepOf(layer, {
    ...useKernel('resize_linear_float32', {
      geometry: {
        in_height: from.height,
        in_width: from.width,
        out_height: to.height,
        out_width: to.width,
        channel_groups: to.groups,
        groups,
        opaque: 0,
      },
      slots: arithmetic(layer, target),
    }),
    operands: [{ tensor: input!.name }, { data: neighbourWords(rows) }, { data: neighbourWords(columns) }],
    workgroups: threadGrid(groups),
  });
}
