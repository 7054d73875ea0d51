import { byteRange } from '../graph/graph.ts';
import type { SoftmaxFunctions, StepFunctions } from '../engines/engine.ts';
import { findBoundaries } from '../requantize/boundaries.ts';
import { floatOfKey, keyOfFloat } from '../requantize/float_keys.ts';
import type { Layer } from '../layers/layer.ts';
import { extent } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { stepOf, workgroupGrid, type Step } from './step.ts';

const DISTANCES = 256;

/** For each distance the sums, negated, at which its code steps: it falls where the sum grows. */
function boundariesOf({ terms, output }: SoftmaxFunctions, channels: number, type: 'uint8' | 'int8'): Int32Array {
  const [min, max] = byteRange(type);
  const isReal = terms instanceof Float32Array;
  const [key, sumOf] = isReal ? [keyOfFloat, floatOfKey] : [Number, Number];
  const functions: StepFunctions = {
    channels: DISTANCES,
    min,
    max,
    at: (d) => {
      const of = output(d);
      return (negated) => of(sumOf(-negated));
    },
    // neither a key nor a sum's reciprocal is a line
    slope: () => 2 ** -24,
  };
  // the largest value itself adds terms[0]; roundings of float32 add less than that
  const most = terms[0]! * channels * (isReal ? 2 : 1);
  const range = {
    lo: new Float64Array(DISTANCES).fill(-key(most)),
    hi: new Float64Array(DISTANCES).fill(-key(terms[0]!)),
  };
  return findBoundaries(functions, range, min).first;
}

/** A workgroup for each pixel: one thread sums, all make bytes of it. */
export function lowerSoftmax(layer: Layer<'softmax'>): Step {
  const { functions, writes } = layer;
  const [input] = layer.reads;
  const { terms, exponentials } = functions;
  const { batch, channels, height, width, groups } = extent(writes);
  const pixels = batch * height * width;
  return stepOf(layer, {
    operands: [{ tensor: input!.name }, { data: new Uint32Array(terms.slice().buffer) }],
    parameters: [exponentials ?? boundariesOf(functions, channels, byteType(writes))],
    ...useKernel('softmax', {
      geometry: { pixels, channels, channel_groups: groups, input_sign: signMask(byteType(input!)) },
      overrides: { OUTPUT_SIGN: signMask(byteType(writes)) },
      slots: {
        sum: terms instanceof Float32Array ? 'softmax_sum/float32' : 'softmax_sum/integer',
        code: exponentials ? 'softmax/fixed' : 'softmax/steps',
      },
    }),
    workgroups: workgroupGrid(pixels),
  });
}
