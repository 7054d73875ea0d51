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

/** For each distance the sums, as negated keys, at which its code steps: it falls where the sum grows. */
function boundariesOf({ terms, output }: SoftmaxFunctions, channels: number, type: 'uint8' | 'int8'): Int32Array {
  const [min, max] = byteRange(type);
  // the largest value itself adds terms[0]; with it, sums are that at least
  const [least, most] = [terms[0]!, Math.fround(terms[0]! * channels * 2)];
  const functions: StepFunctions = {
    channels: DISTANCES,
    min,
    max,
    at: (d) => {
      const of = output(d);
      return (negated) => of(floatOfKey(-negated));
    },
    // a key is no line of its value
    slope: () => 2 ** -24,
  };
  const range = {
    lo: new Float64Array(DISTANCES).fill(-keyOfFloat(most)),
    hi: new Float64Array(DISTANCES).fill(-keyOfFloat(least)),
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
      slots: { softmax: exponentials ? 'softmax/fixed' : 'softmax/float32' },
    }),
    workgroups: workgroupGrid(pixels),
  });
}
