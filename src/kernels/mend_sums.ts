import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

const MOST_THREADS = 2048;

/**
 * What output/scaled has left as sums: nothing, mostly.
 *
 * @param mended the module of `mend`, those of its own slots, and what they read
 */
export function mendSums(last: Layer, mended: Pick<Step, 'slots' | 'parameters'>): Step {
  const groups = groupsOf(last.writes);
  const threads = Math.min(MOST_THREADS, groups);
  const geometry = { groups, channel_groups: extent(last.writes).groups, threads };
  return stepOf(last, {
    ...useKernel('mend_sums', { geometry, slots: { mend: 'mend/scaled' } }),
    ...mended,
    operands: [],
    workgroups: threadGrid(threads),
  });
}
