import { elementCount, type TensorInfo } from '../graph/graph.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** Threads that look at a tensor; one workgroup looks at what they found. */
const MOST_THREADS = 2048;

/** The smallest and the largest value of a float32 tensor: those of many parts, then of these. */
export function lowerRange(layer: Layer<'range'>, target: Target): Step[] {
  const [input] = layer.reads as [TensorInfo];
  const groups = groupsOf(input);
  const threads = Math.min(MOST_THREADS, groups);
  const { channels, height, width, groups: channelGroups } = extent(input);
  const elements = elementCount(input.shape);
  const parts: TensorInfo = {
    name: target.unusedName(`${layer.writes.name}.parts`),
    type: 'float32',
    shape: [threads, 4],
  };
  return [
    {
      ...stepOf(layer, {
        ...useKernel('range', {
          geometry: {
            groups,
            threads,
            channels,
            channel_groups: channelGroups,
            pixels: height * width,
            tail: elements - (elements % 4),
          },
        }),
        operands: [{ tensor: input.name }],
        workgroups: threadGrid(threads),
      }),
      output: parts.name,
      temporary: parts,
    },
    stepOf(layer, {
      ...useKernel('range_end', { geometry: { ranges: threads } }),
      operands: [{ tensor: parts.name }],
      workgroups: [1, 1, 1],
    }),
  ];
}
