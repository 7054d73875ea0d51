import { UnsupportedModelError } from '../errors.ts';
import { byteRange } from '../graph/graph.ts';
import { clamp, f32, INT32_END, roundHalfEven } from './rounding.ts';
import type { SoftmaxFunctions, SoftmaxLayer } from './engine.ts';

const BYTES = 256;
/** Up to here libraries' float32 logarithm is the correctly rounded one. */
const MOST_VALUES = 60_000;
const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/**
 * QLinearSoftmax: exponentials as large as their sum allows, in float32, which are added up in the order of the row;
 * y = rne(t * floor(1/sy) / sum) + zy. As its source reads, and measured where its roundings decide.
 *
 * @param round of the product and the quotient: to float32, or not at all (double)
 */
export function exponentialSoftmax(
  { input, output, count }: SoftmaxLayer,
  round: (x: number) => number,
): SoftmaxFunctions {
  if (count > MOST_VALUES)
    throw new UnsupportedModelError(
      `rows of ${count} values, for which libraries' logarithms differ; supported: up to ${MOST_VALUES}`,
    );
  const [min, max] = byteRange(output.type);
  const scale = f32(input.scale);
  const shift = Math.max(0, f32(Math.log(f32(LARGEST_FLOAT32 / f32(count)))) - 5) / scale;
  const terms = Float32Array.from({ length: BYTES }, (_, d) => Math.exp((shift - d) * scale));
  const factor = Math.floor(f32(1 / f32(output.scale)));
  if (factor >= INT32_END || !Number.isFinite(round(terms[0]! * factor)))
    throw new UnsupportedModelError(
      `a softmax of ${count} values and output scale ${output.scale} leaves float32; supported: output scales from about ` +
        `${1 / (148 * count)}`,
    );
  return {
    terms,
    output: (d) => {
      const product = round(terms[d]! * factor);
      return (sum) => clamp(roundHalfEven(round(product / sum)) + output.zeroPoint, min, max);
    },
  };
}
