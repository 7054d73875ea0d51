import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf, type Extent } from '../layers/layout.ts';
import { arithmetic, constantsOf } from './arithmetic.ts';
import { useKernel } from './kernel.ts';
import { operandOf, stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** Groups from one image, row, column and group of channels to the next; 0 where there is one for all. */
function stepsOf({ batch, height, width, groups, channels }: Extent): readonly number[] {
  const step = (count: number, groupsApart: number): number => (count === 1 ? 0 : groupsApart);
  return [
    step(batch, height * width * groups),
    step(height, width * groups),
    step(width, groups),
    channels === 1 ? 0 : 1,
  ];
}

/** A float32 function of two tensors: four elements a thread. */
export function lowerOperation(layer: Layer<'operation'>, target: Target): Step {
  const { writes, reads, extents, constants } = layer;
  const { height, width, channels, groups: channelGroups } = extent(writes);
  const groups = groupsOf(writes);
  const [a, b] = extents.map(stepsOf) as [number[], number[]];
  const isOne = (i: number): number => Number(channels > 1 && extents[i]!.channels === 1);
  return stepOf(layer, {
    ...useKernel('operation', {
      geometry: {
        groups,
        opaque: 0,
        height,
        width,
        channel_groups: channelGroups,
        a_image: a[0]!,
        a_row: a[1]!,
        a_column: a[2]!,
        a_group: a[3]!,
        b_image: b[0]!,
        b_row: b[1]!,
        b_column: b[2]!,
        b_group: b[3]!,
      },
      overrides: { A_ONE: isOne(0), B_ONE: isOne(1) },
      slots: { ...arithmetic(layer, target), function: `operation/${layer.function.shader}` },
    }),
    operands: reads.map((info) => operandOf(constants, info)),
    parameters: constantsOf(layer.function),
    workgroups: threadGrid(groups),
  });
}
