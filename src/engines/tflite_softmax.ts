import { byteRange } from '../graph/graph.ts';
import { doubleUp, highMultiply, quantizeMultiplier, shiftAway } from './fixed_point.ts';
import { clamp, f32, INT32_END } from './rounding.ts';
import type { SoftmaxFunctions, SoftmaxLayer } from './engine.ts';

const BYTES = 256;

/** Saturated to int32. */
const saturate = (x: number): number => clamp(x, -INT32_END, INT32_END - 1);

/** gemmlowp's constants of exp on negative values: e^-(2^k) for k from -2 on, Q0.31. */
const EXPONENTIALS = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242];

/** exp of a Q5.26 value of 0 or less, as Q0.31: gemmlowp's exp_on_negative_values. */
function exponential(x: number): number {
  if (x === 0) return INT32_END - 1;
  const quarter = 2 ** 24;
  const part = (((x % quarter) + quarter) % quarter) - quarter;
  // exp on [-1/4, 0): a polynomial around -1/8
  const t = saturate(part * 2 ** 5) + 2 ** 28;
  const t2 = highMultiply(t, t);
  const [t3, t4] = [highMultiply(t2, t), highMultiply(t2, t2)];
  const inner = shiftAway(highMultiply(shiftAway(t4, 2) + t3, 715827883) + t2, 1);
  let result = 1895147668 + highMultiply(1895147668, t + inner);
  const remainder = part - x;
  for (const [k, factor] of EXPONENTIALS.entries())
    if (Math.floor(remainder / 2 ** (24 + k)) % 2 === 1) result = highMultiply(result, factor);
  return result;
}

/** 1 / sum of a positive Q12.19 value, as Q0.31, and how many bits it is shifted beyond its unit. */
function reciprocal(sum: number): { readonly scale: number; readonly bits: number } {
  const zeros = Math.clz32(sum);
  const half = sum * 2 ** (zeros - 1);
  let x = 1515870810 + highMultiply(half, -1010580540);
  for (let i = 0; i < 3; i++) x += saturate(highMultiply(x, 2 ** 29 - highMultiply(half, x)) * 4);
  return { scale: saturate(x * 2), bits: 12 - zeros };
}

/** SOFTMAX of the reference kernels, in gemmlowp's fixed point: exponentials in Q0.31, their sum in Q12.19. */
export function fixedSoftmax({ input, output, beta }: SoftmaxLayer): SoftmaxFunctions {
  const [min, max] = byteRange(output.type);
  const { multiplier, exponent } = quantizeMultiplier(Math.min(f32(beta) * input.scale * 2 ** 26, INT32_END - 1));
  // what is further below gives nothing
  const furthest = Math.floor((31 * 2 ** 26) / 2 ** exponent);
  const exponentials = Int32Array.from({ length: BYTES }, (_, d) =>
    d > furthest ? 0 : exponential(highMultiply(-d * 2 ** exponent, multiplier)),
  );
  return {
    exponentials,
    terms: exponentials.map((e) => shiftAway(e, 12)),
    output: (d) => (sum) => {
      const { scale, bits } = reciprocal(sum);
      return clamp(shiftAway(highMultiply(exponentials[d]!, scale), bits + 23) + min, min, max);
    },
  };
}

/** SOFTMAX of the optimized kernels: a table of float32 exponentials, their sum in float32, times its reciprocal. */
export function floatSoftmax({ input, output, beta }: SoftmaxLayer): SoftmaxFunctions {
  const [min, max] = byteRange(output.type);
  const scale = f32(input.scale * f32(beta));
  const terms = Float32Array.from({ length: BYTES }, (_, d) => Math.exp(f32(-scale * d)));
  return {
    terms,
    output: (d) => (sum) => {
      const inverse = f32(1 / f32(sum * output.scale));
      return clamp(Math.floor(f32(f32(terms[d]! * inverse) + 0.5)) + output.zeroPoint, min, max);
    },
  };
}

/**
 * SOFTMAX of the optimized kernels on ARM: a table of 16 bits, added up in integers, times a multiplier of the sum's float32
 * reciprocal. Of numbers above 0 its two roundings half up are the same behind the last vector.
 */
export function tableSoftmax({ input, output, beta }: SoftmaxLayer): SoftmaxFunctions {
  const [min, max] = byteRange(output.type);
  const scale = f32(input.scale * f32(beta));
  const terms = Int32Array.from({ length: BYTES }, (_, d) => {
    const exponential = f32(Math.exp(f32(scale * -d)));
    return Math.min(65535, Math.floor(f32(exponential * 65535) + 0.5));
  });
  return {
    terms,
    output: (d) => (sum) => {
      const by = quantizeMultiplier(f32(1 / f32(f32(sum) * output.scale)));
      return clamp(doubleUp(terms[d]!, by) + output.zeroPoint, min, max);
    },
  };
}
