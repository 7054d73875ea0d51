import { byteRange } from '../../src/graph/graph.ts';
import type { StepFunctions } from '../../src/engines/engine.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { extent } from '../../src/layers/layout.ts';
import { tensorQuantization } from '../../src/layers/operator.ts';
import { countsOf } from '../../src/layers/window.ts';
import { fitted, whole } from './array.ts';
import { biasedFunctions } from './biased.ts';
import { keyFunctions, thresholdsOf } from './elements.ts';
import type { Described, Details } from './layer_vectors.ts';
import { requantization } from './requantization.ts';

/** Sums that are smaller are float32 values, in whatever order. */
const EXACT = 2 ** 24;

const COUNTS = 'is of windows of which counts[i] positions lie inside of the input';

/** An average of windows: of integer sums, or of float32 values. */
export function averagePool(layer: Layer<'average_pool'>, about: Described): Details {
  const { window, reads, writes, value } = layer;
  const [input] = reads;
  const { height, width } = extent(input!);
  const { type, zeroPoint } = tensorQuantization(about.node, input!);
  const [least, most] = byteRange(type);
  const counts = countsOf(window, [height, width]);
  const values = Float32Array.from({ length: 256 }, (_, code) => value(code + least));
  const largest = counts.at(-1)! * Math.max(Math.abs(value(least)), Math.abs(value(most)));
  const areIntegers = Number.isInteger(values[0]) && values.every((v, code) => v - values[0]! === code);
  const { kernel, strides, dilations, pads } = window;
  const { arrays, ...details } =
    areIntegers && largest < EXACT ? ofIntegers(layer, counts, about) : ofFloats(layer, counts, values);
  return {
    ...details,
    window: { kernel, strides, dilations, pads, groups: writes.shape[1]!, paddingValue: zeroPoint },
    arrays: { counts: fitted('int32', Int32Array.from(counts), [counts.length]), ...arrays },
  };
}

/** A requantization for each count. */
function ofIntegers(
  { reads, writes, value, output, divisor }: Layer<'average_pool'>,
  counts: readonly number[],
  { node, multiplierBits }: Described,
): Details {
  const [from, to] = [reads[0]!, writes].map((info) => tensorQuantization(node, info));
  const taken = from!.zeroPoint + value(0);
  const [min, max] = byteRange(to!.type);
  const functions: StepFunctions = {
    channels: counts.length,
    min,
    max,
    at(i) {
      const [f, zeros] = [output(divisor(counts[i]!)), counts[i]! * taken];
      return (sum) => f(sum + zeros);
    },
    slope: (i) => from!.scale / to!.scale / divisor(counts[i]!),
  };
  const [lo, hi] = byteRange(from!.type).map((x) => Float64Array.from(counts, (n) => n * (x - from!.zeroPoint)));
  const none = new Float64Array(counts.length);
  const stage = requantization(biasedFunctions({ functions, range: { lo: lo!, hi: hi! } }, to!, none), multiplierBits);
  const definition = 'sum(x - input zero point) over what lies inside of the input';
  return {
    kind: 'average-pool',
    formulas: [`accumulator = ${definition}`, ...stage.formulas, `channel i of these ${COUNTS}`],
    accumulation: { mode: 'exact', definition, ...stage.sums },
    requantization: stage.requantization,
    arrays: stage.arrays,
  };
}

/** Thresholds of the sum for each count. */
function ofFloats(
  { writes, output, divisor, order }: Layer<'average_pool'>,
  counts: readonly number[],
  values: Float32Array,
): Details {
  const functions = keyFunctions(writes, counts.length, (i) => output(divisor(counts[i]!)));
  const { lines, length, lineStep, step } = order;
  return {
    kind: 'average-pool-float',
    order,
    formulas: [
      `for line 0 to ${lines - 1}: partial = 0; for along 0 to ${length - 1}: partial = f32(partial + the value of element ` +
        `line * ${lineStep} + along * ${step} of the window); sum = f32(sum + partial)`,
      'the value of an element is values[input code], outside of the input 0; elements are numbered ky * kernel width + kx',
      `output = smallest value of the type + the number of \`thresholds\` of row i that are <= sum (float32); row i ${COUNTS}`,
    ],
    arrays: { values: whole('float32', values, [256]), thresholds: thresholdsOf(functions) },
  };
}
