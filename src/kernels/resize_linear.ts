import { byteRange } from '../graph/graph.ts';
import { ALL_FLOATS, stepFunctions } from '../layers/quantize_linear.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { byteType, KEY_FORMS, outputStage, signMask } from './requantization.ts';
import { neighbourWords } from './resize_bilinear.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** Four channels of a pixel a thread. */
export function lowerResizeLinear(layer: Layer<'resize_linear'>, { preferences }: Target): Step {
  const { rows, columns, functions, writes } = layer;
  const [input] = layer.reads;
  const [from, to] = [extent(input!), extent(writes)];
  const steps = stepFunctions(byteType(writes), (sum) => functions.output(sum));
  const stage = outputStage({ functions: steps, range: ALL_FLOATS, writes }, { ...preferences, forms: KEY_FORMS });
  const [least] = byteRange(byteType(input!));
  const values = Float32Array.from({ length: 256 }, (_, code) => functions.value(code + least));
  const groups = groupsOf(writes);
  return stepOf(layer, {
    ...useKernel(
      'resize_linear',
      {
        geometry: {
          in_height: from.height,
          in_width: from.width,
          out_height: to.height,
          out_width: to.width,
          channel_groups: to.groups,
          groups,
          input_sign: signMask(byteType(input!)),
        },
      },
      stage,
    ),
    operands: [
      { tensor: input!.name },
      { data: new Uint32Array(values.buffer) },
      { data: neighbourWords(rows) },
      { data: neighbourWords(columns) },
    ],
    parameters: stage.parameters,
    workgroups: threadGrid(groups),
    proof: stage.proof,
  });
}
