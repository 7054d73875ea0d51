import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { byteType, codeOfZero, outputStage, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** The sum of all pixels of four channels a thread. */
export function lowerGlobalAveragePool(layer: Layer<'global_average_pool'>, { preferences }: Target): Step {
  const [input] = layer.reads;
  const stage = outputStage(layer, preferences);
  const groups = groupsOf(layer.writes);
  return stepOf(layer, {
    ...useKernel(
      'global_average_pool',
      {
        geometry: {
          pixels: layer.pixels,
          channel_groups: extent(input!).groups,
          by_channel: Number(layer.functions.channels > 1),
          groups,
          input_sign: signMask(byteType(input!)),
          input_zero: codeOfZero(input!),
        },
      },
      stage,
    ),
    operands: [{ tensor: input!.name }],
    parameters: stage.parameters,
    workgroups: threadGrid(groups),
    accumulates: true,
    proof: stage.proof,
  });
}
