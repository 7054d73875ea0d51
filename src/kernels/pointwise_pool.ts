import type { PooledPointwise } from '../join/joined.ts';
import { macsOf, outputPixels } from '../layers/linear/geometry.ts';
import { dotModule, inputFlip } from './dot.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';
import { inputOf } from './linear.ts';
import { dotCorrections, packDotWeights } from './packing.ts';
import { codeOfZero, outputStage } from './requantization.ts';
import { joinStages } from './stages.ts';
import { partOf, stepOf, workgroupGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

const { GROUPS, WORKGROUP_SIZE } = KERNELS.pointwise_pool.constants;

/** The average of a 1 by 1 convolution's pixels, which are never written: four groups of channels a workgroup. */
export function lowerPooledPointwise({ pointwise, pool }: PooledPointwise, { preferences, features }: Target): Step {
  const { corrections, weightZero } = dotCorrections(pointwise);
  const [pixel, last] = [outputStage(pointwise, preferences), outputStage(pool, preferences)];
  const stages = joinStages(last, { pixel });
  const { groups } = pointwise.output;
  const images = outputPixels(pointwise) / pool.pixels;
  return stepOf(pool, {
    ...useKernel(
      'pointwise_pool',
      {
        geometry: {
          images,
          pixels: pool.pixels,
          in_groups: pointwise.input.groups,
          out_groups: groups,
          input_flip: inputFlip(pointwise),
          pool_zero: codeOfZero(pool.reads[0]!),
        },
        overrides: { HAS_WEIGHT_ZERO: Number(weightZero) },
        slots: { pixel: stages.slots['pixel']!, dot: dotModule(features) },
      },
      stages,
    ),
    operands: [{ tensor: inputOf(pointwise).name }, { data: packDotWeights(pointwise) }, { data: corrections }],
    parameters: stages.parameters,
    workgroups: workgroupGrid(images * Math.ceil(groups / GROUPS)),
    workgroupBytes: WORKGROUP_SIZE * 16,
    macs: macsOf(pointwise),
    proof: last.proof,
    parts: [partOf(pointwise, pixel.proof), partOf(pool, last.proof)],
  });
}
