import { describe, expect, it } from 'vitest';
import { generateCase } from '../../harness/cases/generate.ts';
import { generateAtBoundaries } from '../../harness/cases/at_boundaries/index.ts';
import { LONG } from '../../tests/helpers/long.ts';
import { UnsupportedModelError } from '../errors.ts';
import { byteRange, type GraphNode, type Quantization, type TensorInfo } from '../graph/graph.ts';
import { createPlan } from '../plan/plan.ts';
import { referenceTrace } from '../plan/reference.ts';
import type { Case } from '../../harness/cases/case.ts';

/*
 * No build of `gemmlowp` and `tflite-single` can be had. They equal their definitions, written here once more: in integers of
 * any length, as gemmlowp's fixedpoint.h and TensorFlow Lite's quantization_util.cc and common.h have them.
 */

const one = 1n;
/** Of C: towards zero. */
const quotient = (a: bigint, b: bigint): bigint => a / b;

/** SaturatingRoundingDoublingHighMul. */
function highMul(a: bigint, b: bigint): bigint {
  if (a === b && a === -(one << 31n)) return (one << 31n) - one;
  const ab = a * b;
  const nudge = ab >= 0n ? one << 30n : one - (one << 30n);
  return quotient(ab + nudge, one << 31n);
}

/** RoundingDivideByPOT. */
function divideByPot(x: bigint, exponent: bigint): bigint {
  const mask = (one << exponent) - one;
  const remainder = x & mask;
  const threshold = (mask >> one) + (x < 0n ? one : 0n);
  return (x >> exponent) + (remainder > threshold ? one : 0n);
}

type Multiply = (x: bigint, multiplier: bigint, shift: bigint) => bigint;

/** MultiplyByQuantizedMultiplier, of two roundings and of one. */
const MULTIPLY: Readonly<Record<'gemmlowp' | 'tflite-single', Multiply>> = {
  gemmlowp: (x, multiplier, shift) =>
    shift > 0n ? highMul(x << shift, multiplier) : divideByPot(highMul(x, multiplier), -shift),
  'tflite-single': (x, multiplier, shift) => {
    const total = 31n - shift;
    return (x * multiplier + (one << (total - one))) >> total;
  },
};

/** A positive double as a fraction of integers. */
function fractionOf(x: number): readonly [bigint, bigint] {
  let [top, bottom] = [x, one];
  while (!Number.isInteger(top)) [top, bottom] = [top * 2, bottom * 2n];
  return [BigInt(top), bottom];
}

/** QuantizeMultiplier: frexp, and 31 bits of the fraction, rounded half away from zero. */
function quantizeMultiplier(real: number): readonly [multiplier: bigint, shift: bigint] {
  if (real === 0) return [0n, 0n];
  const [top, bottom] = fractionOf(real);
  let shift = BigInt(top.toString(2).length - bottom.toString(2).length);
  // 0.5 <= real / 2^shift < 1
  const atLeast = (e: bigint): boolean => (e >= 0n ? top >= bottom << e : top << -e >= bottom);
  while (atLeast(shift)) shift++;
  while (!atLeast(shift - one)) shift--;
  const [scaled, by] = shift >= 31n ? [top, bottom << (shift - 31n)] : [top << (31n - shift), bottom];
  let multiplier = (scaled * 2n + by) / (by * 2n);
  if (multiplier === one << 31n) [multiplier, shift] = [multiplier / 2n, shift + one];
  return shift < -31n ? [0n, 0n] : [multiplier, shift];
}

const f32 = Math.fround;

interface Quantized {
  readonly type: 'uint8' | 'int8';
  readonly scale: number;
  readonly zero: bigint;
}

const quantized = ({
  type,
  quantization,
}: Pick<TensorInfo, 'type'> & { quantization?: Quantization | undefined }): Quantized => ({
  type: type as 'uint8' | 'int8',
  scale: quantization!.scale[0]!,
  zero: BigInt(quantization!.zeroPoint[0]!),
});

/** The value of an output from those of its inputs. */
type Of = (...values: readonly bigint[]) => bigint;

/** Element-wise operators, zero point of the output not added. */
function elementwise(node: GraphNode, inputs: readonly Quantized[], y: Quantized, by: Multiply): Of | undefined {
  const [a, b] = inputs as [Quantized, Quantized];
  const times = (x: bigint, [multiplier, shift]: readonly [bigint, bigint]): bigint => by(x, multiplier, shift);
  const rescale = quantizeMultiplier(f32(a.scale / y.scale));
  const largest = 2 * Math.max(a.scale, b?.scale ?? 0);
  const part = (x: bigint, q: Quantized, left: bigint): bigint =>
    times((x - q.zero) << left, quantizeMultiplier(q.scale / largest));
  const sum = (value: bigint): bigint => times(value, quantizeMultiplier(largest / (2 ** 20 * y.scale)));
  switch (node.op) {
    case 'Add':
      return (x, z) => sum(part(x!, a, 20n) + part(z!, b, 20n));
    case 'Sub':
      return (x, z) => sum(part(x!, a, 20n) - part(z!, b, 20n));
    case 'Mul': {
      const scale = quantizeMultiplier(f32(f32(a.scale * b.scale) / y.scale));
      return (x, z) => times((x! - a.zero) * (z! - b.zero), scale);
    }
    case 'SquaredDifference': {
      const scale = quantizeMultiplier(largest ** 2 / (2 ** 14 * y.scale));
      return (x, z) => {
        const difference = part(x!, a, 7n) - part(z!, b, 7n);
        return times(difference * difference, scale);
      };
    }
    case 'PRelu': {
      const below = quantizeMultiplier(f32(f32(a.scale * b.scale) / y.scale));
      return (x, z) => (x! >= a.zero ? times(x! - a.zero, rescale) : times((x! - a.zero) * (z! - b.zero), below));
    }
    case 'LeakyRelu': {
      const below = quantizeMultiplier(f32(f32(a.scale * Number(node.attributes['alpha'])) / y.scale));
      return (x) => times(x! - a.zero, x! >= a.zero ? rescale : below);
    }
    case 'Relu':
      return (x) => times(x! - a.zero, rescale);
    case 'Requantize': {
      const exact = quantizeMultiplier(a.scale / y.scale);
      return (x) => times(x! - a.zero, exact);
    }
    case 'Abs':
      return (x) => {
        const size = x! < a.zero ? a.zero - x! : x! - a.zero;
        return a.scale === y.scale ? size : times(size, rescale);
      };
    default:
      return undefined;
  }
}

/** Operators of sums: from a channel and its sum, zero point of the output not added. */
function ofSums({ graph }: Case, y: Quantized, by: Multiply): ((channel: number, sum: bigint) => bigint) | undefined {
  const [node] = graph.nodes as [GraphNode];
  const inputs = graph.inputs.map(quantized) as [Quantized, Quantized];
  const [x] = inputs;
  const times = (sum: bigint, scale: number): bigint => by(sum, ...quantizeMultiplier(scale));
  switch (node.op) {
    case 'Conv':
    case 'Gemm': {
      const { scale } = graph.constants.get('w')!.quantization!;
      const bias = graph.constants.get('b')?.data as Int32Array | undefined;
      return (channel, sum) => {
        const product = x.scale * scale[scale.length === 1 ? 0 : channel]!;
        return times(sum + BigInt(bias?.[channel] ?? 0), (y.type === 'uint8' ? f32(product) : product) / y.scale);
      };
    }
    case 'BatchMatMul':
      return (_, sum) => times(sum, f32(x.scale * inputs[1].scale) / y.scale);
    case 'ReduceSum':
      return (_, sum) => times(sum, x.scale / y.scale);
    case 'ReduceMean':
    case 'GlobalAveragePool': {
      const count = BigInt(graph.inputs[0]!.shape[2]! * graph.inputs[0]!.shape[3]!);
      const [multiplier, shift] = quantizeMultiplier(x.scale / y.scale);
      // the count's own bits, as far as the multiplier can be shifted
      let left = BigInt(count.toString(2).length) - one;
      if (left > 31n + shift) left = 31n + shift;
      return (_, sum) => by(sum, (multiplier << left) / count, shift - left);
    }
    default:
      return undefined;
  }
}

/** How many values of a case the engine gives otherwise; undefined where the definition has nothing to say of it. */
function missed(
  test: Case,
  by: Multiply,
): { readonly op: string; readonly values: number; readonly wrong: number } | undefined {
  const { graph, feeds } = test;
  const [node] = graph.nodes as [GraphNode];
  const ours = referenceTrace(createPlan(graph), feeds).tensors.at(-1)!;
  const declared = graph.tensors.get('y');
  // a float32 add has no definition here; a SUM of int8 is one of uint8, a bug of the kernel's that the engines reproduce
  if (!declared || graph.inputs.some(({ type }) => type === 'float32')) return undefined;
  if (node.op === 'ReduceSum' && declared.type === 'int8') return undefined;
  const y = quantized(declared);
  const inputs = graph.inputs.map(quantized);
  const single = elementwise(node, inputs, y, by);
  const summed = single ? undefined : ofSums(test, y, by);
  if (!single && !summed) return undefined;
  const [least, most] = ((node.attributes['clamp'] as number[] | undefined) ?? byteRange(y.type)).map(BigInt) as [
    bigint,
    bigint,
  ];
  const operands = graph.inputs.map(({ name }) => feeds[name]!.data as Uint8Array);
  if (single && operands.some(({ length }) => length !== ours.data.length)) return undefined;
  const plane = ours.shape.slice(2).reduce((product, d) => product * d, 1);
  const known = new Map<string, bigint>();
  let wrong = 0;
  for (let i = 0; i < ours.data.length; i++) {
    const channel = ours.shape.length === 4 ? Math.floor(i / plane) % ours.shape[1]! : i % ours.shape[1]!;
    const from = single ? operands.map((data) => data[i]!) : [channel, ours.accumulators![i]!];
    const key = from.join();
    const value =
      known.get(key) ?? (single ? single(...from.map(BigInt)) : summed!(channel, BigInt(from[1]!))) + y.zero;
    known.set(key, value);
    const expected = value < least ? least : value > most ? most : value;
    wrong += Number(Number(expected) !== Number(ours.data[i]));
  }
  return { op: node.op, values: ours.data.length, wrong };
}

/** Two turns of all kinds of operators. */
const COUNTS = LONG ? [500, 500] : [74, 36];

describe.each(Object.entries(MULTIPLY))('%s equals its definition in integers of any length', (engine, by) => {
  it.each([
    ['generated', generateCase, COUNTS[0]!, ['Conv', 'Gemm', 'Add', 'BatchMatMul', 'GlobalAveragePool']],
    ['where it steps', generateAtBoundaries, COUNTS[1]!, ['Conv', 'Gemm', 'Add']],
  ] as const)(
    '%s',
    (_, generate, count, ops) => {
      const compared = new Map<string, number>();
      const wrong: string[] = [];
      for (let index = 0; index < count; index++) {
        const test = generate(engine, 1, index);
        try {
          const found = missed(test, by);
          if (!found) continue;
          compared.set(found.op, (compared.get(found.op) ?? 0) + found.values);
          if (found.wrong > 0) wrong.push(`${test.id} (${test.description}): ${found.wrong} of ${found.values}`);
        } catch (error) {
          if (!(error instanceof UnsupportedModelError)) throw error;
        }
      }
      expect(wrong).toEqual([]);
      for (const op of ops) expect(compared.get(op) ?? 0, op).toBeGreaterThan(100);
    },
    240_000,
  );
});
