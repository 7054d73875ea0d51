import { workgroupGrid, type Step } from '../../ops/step.ts';
import type { Fused, FuseOptions } from './fused.ts';
import { joinStages } from './stages.ts';
import type { Uses } from './uses.ts';
import { useKernel } from '../../kernels/kernel.ts';

/** Groups of channels that a workgroup of shaders/pointwise_pool.wgsl computes. */
const GROUPS = 4;
const THREADS = 64;

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
  const used = useKernel('pointwise_pool', {
    geometry: {
      images,
      pixels,
      in_groups: in_groups!,
      out_groups: out_groups!,
      input_flip: input_flip!,
      pool_zero: pool.geometry['input_zero']!,
    },
    overrides: { HAS_WEIGHT_ZERO: pointwise.overrides['HAS_WEIGHT_ZERO']! },
  });
  const step: Step = {
    node: pool.node,
    op: pool.op,
    links: [...stages.links, pointwise.links.find((link) => link.startsWith('shared/dot_'))!],
    operands: pointwise.operands,
    output: pool.output,
    parameters: stages.parameters,
    unroll: stages.unroll ?? {},
    ...used,
    overrides: { ...stages.overrides, ...used.overrides },
    workgroups: workgroupGrid(images * Math.ceil(out_groups! / GROUPS)),
    workgroupBytes: THREADS * 16,
    macs: pointwise.macs + pool.macs,
    accumulates: false,
    ...(pool.proof && { proof: lowerPlain(pool).proof! }),
    parts: [pointwise, pool],
  };
  return { step, replaces: [producer, pool] };
}
