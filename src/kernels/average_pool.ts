import { byteRange } from '../graph/graph.ts';
import type { StepFunctions } from '../engines/engine.ts';
import { floatOfKey, keyOfFloat } from '../requantize/float_keys.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { countsOf } from '../layers/window.ts';
import { windowGeometry } from './geometry.ts';
import { useKernel } from './kernel.ts';
import { byteType, KEY_FORMS, outputStage, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** Sums of float32 values in the engine's order; the requantization of the sum is proved for each divisor. */
export function lowerAveragePool(layer: Layer<'average_pool'>, { preferences }: Target): Step {
  const { window, writes, value, output, divisor, order } = layer;
  const [input] = layer.reads;
  const [from, to] = [extent(input!), extent(writes)];
  const distinct = countsOf(window, [from.height, from.width]);
  const stageOfCount = new Uint32Array(Math.max(4, window.kernel[0] * window.kernel[1] + 1));
  for (const [stage, count] of distinct.entries()) stageOfCount[count] = stage;
  const [min, max] = byteRange(byteType(writes));
  // four equal channels a count: emit's group is then the number of the stage
  const channels = distinct.length * 4;
  const functions: StepFunctions = {
    channels,
    min,
    max,
    at: (channel) => {
      const f = output(divisor(distinct[channel >> 2]!));
      return (key) => f(floatOfKey(key));
    },
    slope: () => 2 ** -24,
  };
  const range = {
    lo: new Float64Array(channels).fill(keyOfFloat(-Infinity)),
    hi: new Float64Array(channels).fill(keyOfFloat(Infinity)),
  };
  const stage = outputStage({ functions, range, writes }, { ...preferences, forms: KEY_FORMS });
  const [least] = byteRange(byteType(input!));
  const values = Float32Array.from({ length: 256 }, (_, code) => value(code + least));
  return stepOf(layer, {
    ...useKernel(
      'average_pool',
      {
        geometry: {
          ...windowGeometry(window, from, to),
          input_sign: signMask(byteType(input!)),
          lines: order.lines,
          line_length: order.length,
          line_step: order.lineStep,
          step: order.step,
        },
      },
      stage,
    ),
    operands: [{ tensor: input!.name }, { data: new Uint32Array(values.buffer) }, { data: stageOfCount }],
    parameters: stage.parameters,
    workgroups: threadGrid(groupsOf(writes)),
    proof: stage.proof,
  });
}
