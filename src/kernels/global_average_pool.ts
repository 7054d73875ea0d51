import { byteRange } from '../graph/graph.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { byteType, outputStage, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** The code of the zero point: what each pixel's code is less. */
export function inputZero({ reads }: Layer<'global_average_pool'>): number {
  const [input] = reads;
  return input!.quantization!.zeroPoint[0]! - byteRange(byteType(input!))[0];
}

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
          input_zero: inputZero(layer),
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
