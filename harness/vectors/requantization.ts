import type { Rounding, StepFunctions } from '../../src/engines/engine.ts';
import { bitsFor, fitted, whole, type VectorArray } from './array.ts';
import type { BiasedFunctions } from './biased.ts';
import type { Requantization } from './layer_vectors.ts';
import { BOUNDARIES, integerRequantization, type Line } from './line.ts';

type Widths = Requantization['widths'];

const LINE =
  'clamp(((accumulator + bias) * multiplier + offset) >> shift), the shift arithmetic (towards minus infinity)';

/** Never negative, and so without a sign bit. */
function multipliers(values: readonly number[]): VectorArray {
  const bits = bitsFor(0, Math.max(...values), false);
  return { type: 'int32', bits, signed: false, shape: [values.length], data: Int32Array.from(values) };
}

/** Bits of all that lies between two numbers. */
export const bitsBetween = (...ends: readonly bigint[]): number =>
  Math.max(...ends.map((end) => (end < 0n ? -end - 1n : end).toString(2).length)) + 1;

/** How wide what a line computes can be, in all channels. */
function widthsOf(biased: BiasedFunctions, lines: readonly Line[]): Widths {
  const { range, bias } = biased;
  const widths = lines.map(({ multiplier, offset, shift }, c) => {
    const products = [range.lo[c]!, range.hi[c]!].map((sum) => BigInt(sum + bias[c]!) * BigInt(multiplier));
    const scaled = products.map((product) => product + BigInt(offset));
    const shifted = scaled.map((value) => value >> BigInt(shift));
    return { product: bitsBetween(...products), scaled: bitsBetween(...scaled), shifted: bitsBetween(...shifted) };
  });
  const most = (key: 'product' | 'scaled' | 'shifted'): number => Math.max(...widths.map((width) => width[key]));
  const fixedPoint = fixedPointWidths(biased);
  return {
    product: most('product'),
    scaled: most('scaled'),
    shifted: most('shifted'),
    ...(fixedPoint && { fixedPoint }),
  };
}

/** Those of the engine's own integers: see FIXED_POINT. */
function fixedPointWidths({ functions, range, bias }: BiasedFunctions): Widths['fixedPoint'] {
  const { channels, fixed } = functions;
  if (!fixed) return undefined;
  const widths = Array.from({ length: channels }, (_, c) => {
    const { multiplier, shift, rounding } = fixed(c);
    const isSingle = rounding === 'single';
    const right = BigInt(isSingle ? 31 - shift : 31);
    const products = [range.lo[c]!, range.hi[c]!].map((sum) => {
      const x = BigInt(sum + bias[c]!) << BigInt(isSingle ? 0 : Math.max(shift, 0));
      return x * BigInt(multiplier) + (1n << (right - 1n));
    });
    return { product: bitsBetween(...products), high: bitsBetween(...products.map((p) => p >> right)) };
  });
  const most = (key: 'product' | 'high'): number => Math.max(...widths.map((width) => width[key]));
  return { product: most('product'), high: most('high') };
}

const ROUNDINGS: readonly Rounding[] = ['double', 'double-up', 'single'];

const FIXED_POINT =
  'clamp(rescale(accumulator + bias) + zero point), rescale with m = `quantized_multiplier` and n = `quantized_shift`, which ' +
  'is to the left where it is positive, by `rounding`. 0 (double): h = (x * 2^max(n, 0) * m + 2^30) >> 31, then h / 2^-n ' +
  'where n is negative, rounded half away from zero; 1 (double-up): the same, at last half up; 2 (single): (x * m + ' +
  '2^(30 - n)) >> (31 - n)';

/** The integers of an engine that computes in fixed point, one of each a channel. */
function fixedPointArrays({ channels, fixed }: StepFunctions): Record<string, VectorArray> {
  if (!fixed) return {};
  const all = Array.from({ length: channels }, (_, channel) => fixed(channel));
  const shape = [channels];
  return {
    quantized_multiplier: multipliers(all.map(({ multiplier }) => multiplier)),
    quantized_shift: fitted(
      'int32',
      Int32Array.from(all, ({ shift }) => shift),
      shape,
    ),
    rounding: fitted(
      'uint8',
      Uint8Array.from(all, ({ rounding }) => ROUNDINGS.indexOf(rounding)),
      shape,
    ),
  };
}

/** What requantizes accumulators: arrays of one element a channel, and what was proved of them. */
export function requantization(biased: BiasedFunctions, multiplierBits: number) {
  const { functions, range, bias } = biased;
  const { channels } = functions;
  const { lines, boundaries, correction, evaluations } = integerRequantization(biased, multiplierBits);
  const shape = [channels];
  const exactChannels = lines.filter(({ exact }) => exact).length;
  const least = Math.min(...range.lo);
  const most = Math.max(...range.hi);
  const sums = [least, most, ...Array.from(bias, (b, c) => [range.lo[c]! + b, range.hi[c]! + b]).flat()];
  const slopes = Float32Array.from({ length: channels }, (_, c) => functions.slope(c));
  const offsets = BigInt64Array.from(lines, ({ offset }) => BigInt(offset));
  const bytes = (value: (line: Line) => number): VectorArray => fitted('uint8', Uint8Array.from(lines, value), shape);
  const arrays: Record<string, VectorArray> = {
    bias: fitted('int32', bias, shape),
    scale: whole('float32', slopes, shape),
    multiplier: multipliers(lines.map(({ multiplier }) => multiplier)),
    offset: fitted('int64', offsets, shape),
    shift: bytes(({ shift }) => shift),
    exact: bytes(({ exact }) => Number(exact)),
    accumulator_min: fitted('int32', Int32Array.from(range.lo), shape),
    accumulator_max: fitted('int32', Int32Array.from(range.hi), shape),
    ...(boundaries ? { boundaries: fitted('int32', boundaries, [channels, BOUNDARIES]) } : {}),
    ...fixedPointArrays(functions),
  };
  const formulas = [`output = ${LINE}${boundaries ? ', in channels whose `exact` is 1' : ''}`];
  if (boundaries)
    formulas.push(
      'in the other channels: output = smallest value of the type + the number of `boundaries` that are <= accumulator ' +
        '(the bias is in them)',
    );
  if (functions.fixed) formulas.push(`as the engine itself, in every channel: output = ${FIXED_POINT}`);
  if (correction === 'compare')
    formulas.push(
      `or, in every channel: g = ${LINE}; output = g + 1 where g is below the clamp's upper end and accumulator >= ` +
        'boundaries[g - smallest value of the type], else g',
    );
  return {
    formulas,
    arrays,
    sums: {
      least,
      most,
      bits: bitsFor(least, most, true),
      bitsWithBias: bitsFor(Math.min(...sums), Math.max(...sums), true),
    },
    requantization: {
      channels,
      exactChannels,
      correction,
      clamp: [functions.min, functions.max] as const,
      widths: widthsOf(biased, lines),
      ...(functions.fixed && { fixedPoint: FIXED_POINT }),
      proof:
        `${exactChannels} of ${channels} channels have an exact line: equal to the engine at every accumulator from ` +
        `accumulator_min to accumulator_max, which all inputs together can reach. Checked in integers at both ends of ` +
        `every run of equal outputs (${evaluations} evaluations); between them a line cannot leave the run, because it ` +
        `does not decrease.` +
        (correction === 'compare' ? ' The other lines were proved, likewise, to be right or one too low.' : ''),
    },
  };
}
