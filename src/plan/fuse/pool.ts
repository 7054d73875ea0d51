import { workgroupGrid, type Step } from '../../ops/step.ts';
import type { Fused, FuseOptions } from './fused.ts';
import { joinStages } from './stages.ts';
import type { Uses } from './uses.ts';
import { KERNELS } from '../../kernels/interfaces.ts';
import { useKernel } from '../../kernels/kernel.ts';

const { GROUPS, WORKGROUP_SIZE } = KERNELS.pointwise_pool.constants;

/** A global average pool and the 1 by 1 convolution whose only reader it is: what is averaged is never written. */
export function fusePool(pool: Step, uses: Uses, { lowerPlain }: FuseOptions): Fused | undefined {
  if (pool.kernel !== 'global_average_pool') return undefined;
  const producer = uses.privateProducer((pool.operands[0] as { tensor: string }).tensor, pool);
  if (producer?.variant?.kind !== 'pointwise') return undefined;
  const pointwise = lowerPlain(producer);
  if (pointwise.kernel !== 'pointwise') return undefined;
  const stages = joinStages(lowerPlain(pool), { pixel: pointwise });
  const { in_groups, out_groups, input_flip } = pointwise.geometry as Record<string, number>;
  const pixels = pool.geometry['pixels']!;
  const images = pointwise.geometry['pixels']! / pixels;
  const step: Step = {
    node: pool.node,
    op: pool.op,
    operands: pointwise.operands,
    output: pool.output,
    parameters: stages.parameters,
    ...useKernel(
      'pointwise_pool',
      {
        geometry: {
          images,
          pixels,
          in_groups: in_groups!,
          out_groups: out_groups!,
          input_flip: input_flip!,
          pool_zero: pool.geometry['input_zero']!,
        },
        overrides: { HAS_WEIGHT_ZERO: pointwise.overrides['HAS_WEIGHT_ZERO']! },
        slots: { pixel: stages.slots['pixel']!, dot: pointwise.slots['dot']! },
      },
      stages,
    ),
    workgroups: workgroupGrid(images * Math.ceil(out_groups! / GROUPS)),
    workgroupBytes: WORKGROUP_SIZE * 16,
    macs: pointwise.macs + pool.macs,
    accumulates: false,
    ...(pool.proof && { proof: lowerPlain(pool).proof! }),
    parts: [pointwise, pool],
  };
  return { step, replaces: [producer, pool] };
}
