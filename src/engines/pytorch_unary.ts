import { UnsupportedModelError } from '../errors.ts';
import { fma } from './float32.ts';
import { clamp, f32, roundHalfEven } from './rounding.ts';
import type { TensorQuantization, UnaryFunctions, UnaryLayer } from './engine.ts';

type Real = (x: number) => number;

/** Between vectors of float32 values and the scalar code for what they leave over, PyTorch differs twice. */
interface Loops {
  /** `fma(sx, x, f32(sx * -zx))` in, ties to even before the zero point out. */
  readonly vector: Real;
  /** `f32(sx * (x - zx))` in, ties to even after the zero point out. */
  readonly scalar: Real;
}

function dequantizers({ scale, zeroPoint }: TensorQuantization): Loops {
  const single = f32(scale);
  const offset = f32(single * -zeroPoint);
  return {
    vector: (x) => fma(single, x, offset),
    scalar: (x) => f32(single * (x - zeroPoint)),
  };
}

/**
 * A float32 function of the real value, as both loops have it.
 *
 * @param vectorInverse of the output's scale, in vectors: of leaky_relu's the inverse of a float32
 */
function loopsOf({ input, output, clamp: given }: UnaryLayer, f: Real, vectorInverse = f32(1 / output.scale)): Loops {
  const [min, max] = given ?? [0, 255];
  const { vector, scalar } = dequantizers(input);
  const inverse = f32(1 / f32(output.scale));
  return {
    vector: (x) => clamp(roundHalfEven(f32(f(vector(x)) * vectorInverse)) + output.zeroPoint, min, max),
    scalar: (x) => clamp(roundHalfEven(f32(f32(f(scalar(x)) * inverse) + output.zeroPoint)), min, max),
  };
}

const relu6 = (x: number): number => clamp(f32(x + 3), 0, 6);
const hardSwish: Real = (d) => f32(f32(d * relu6(d)) / 6);
const hardSigmoid: Real = (d) => f32(relu6(d) / 6);
const sigmoid: Real = (d) => f32(1 / f32(1 + f32(Math.exp(-d))));

/** exp of vectors: SLEEF's expf_u10, polynomial and order of its fused steps; |x| is below 100 where bytes differ. */
function vectorExp(d: number): number {
  const q = roundHalfEven(f32(d * f32(Math.LOG2E)));
  const s = fma(q, f32(-1.428606765330187045e-6), fma(q, f32(-0.693145751953125), d));
  const u = SLEEF_EXP.reduce((sum, coefficient) => fma(sum, s, coefficient));
  return f32(f32(1 + fma(f32(s * s), u, s)) * 2 ** q);
}

const SLEEF_EXP = [
  0.000198527617612853646278381, 0.00139304355252534151077271, 0.00833336077630519866943359,
  0.0416664853692054748535156, 0.166666671633720397949219, 0.5,
].map(f32);

/** In double arithmetic, of an exponential in float32. */
const tailSigmoid: Real = (d) => f32(1 / (1 + f32(Math.exp(-d))));
const vectorSigmoid: Real = (d) => f32(1 / f32(1 + vectorExp(-d)));

const leakyRelu =
  ({ alpha = 0 }: UnaryLayer): Real =>
  (d) =>
    d > 0 ? d : f32(d * f32(alpha));

/** Of cat: each of its inputs, by the loop that the reader of the file found. */
function rescale(layer: UnaryLayer): UnaryFunctions | undefined {
  const { input, output, loop, clamp: given } = layer;
  const { vector, scalar } = loopsOf(layer, (d) => d);
  if (loop === 'vector') return { body: vector };
  if (loop === 'scalar') return { body: scalar };
  if (loop !== 'plain') return undefined;
  const [min, max] = given ?? [0, 255];
  const real = dequantizers(input).scalar;
  const inverse = f32(1 / f32(output.scale));
  return { body: (x) => clamp(roundHalfEven(fma(real(x), inverse, output.zeroPoint)), min, max) };
}

/** As PyTorch quantizes a bound: rounded before the zero point is added, and after it. */
function quantizedBound({ scale, zeroPoint }: TensorQuantization, bound: number): number {
  return clamp(roundHalfEven(f32(f32(f32(bound) * f32(1 / f32(scale))) + zeroPoint)), 0, 255);
}

/** What all engines have alike. */
function common(layer: UnaryLayer, isTail: UnaryFunctions['isTail']): UnaryFunctions | undefined {
  if (layer.op === 'Rescale') return rescale(layer);
  if (layer.op === 'Relu') {
    const [min, max] = layer.clamp ?? [layer.input.zeroPoint, 255];
    return { body: (x) => clamp(x, min, max) };
  }
  if (layer.op === 'Clip') {
    const [least, most] = layer.bounds!.map((bound) => quantizedBound(layer.input, bound));
    return { body: (x) => clamp(x, least!, most!) };
  }
  if (layer.op === 'Complement') {
    const [min, max] = layer.clamp ?? [0, 255];
    return { body: (x) => clamp(255 - x, min, max) };
  }
  if (layer.op === 'AddScalar') {
    const { input, output, alpha = 0, clamp: [min, max] = [0, 255] } = layer;
    const multiplier = f32(f32(input.scale) * f32(1 / f32(output.scale)));
    return {
      body: (x) => clamp(roundHalfEven(f32((x - input.zeroPoint + alpha) * multiplier)) + output.zeroPoint, min, max),
    };
  }
  return layer.op === 'LeakyRelu'
    ? inBlocks(layer, leakyRelu(layer), isTail, f32(1 / f32(layer.output.scale)))
    : undefined;
}

function inBlocks(layer: UnaryLayer, f: Real, isTail: UnaryFunctions['isTail'], inverse?: number): UnaryFunctions {
  const { vector, scalar } = loopsOf(layer, f, inverse);
  return { body: vector, tail: scalar, ...(isTail && { isTail }) };
}

/** PyTorch's own kernels. */
export const nativeUnary =
  (isTail: NonNullable<UnaryFunctions['isTail']>) =>
  (layer: UnaryLayer): UnaryFunctions | undefined => {
    if (layer.op === 'HardSwish') return inBlocks(layer, hardSwish, isTail);
    if (layer.op === 'HardSigmoid') return inBlocks(layer, hardSigmoid, isTail);
    if (layer.op === 'Sigmoid')
      return { body: loopsOf(layer, vectorSigmoid).scalar, tail: loopsOf(layer, tailSigmoid).scalar, isTail };
    return common(layer, isTail);
  };

const QNNPACK: Readonly<Record<string, Real | undefined>> = {
  HardSwish: hardSwish,
  HardSigmoid: hardSigmoid,
  Sigmoid: sigmoid,
};

/** QNNPACK's tables, made of scalar code. */
export const qnnpackUnary =
  (isTail: NonNullable<UnaryFunctions['isTail']>) =>
  (layer: UnaryLayer): UnaryFunctions | undefined => {
    if (layer.op === 'Clip' && layer.channelsLast)
      throw new UnsupportedModelError(
        "a clamp or ReLU6 of a tensor whose channels are last in memory, whose pixels PyTorch's qnnpack mixes up; supported: " +
          'nn.ReLU, which is fused, or x.contiguous() before it',
      );
    const f = QNNPACK[layer.op];
    return f ? { body: loopsOf(layer, f).scalar } : common(layer, isTail);
  };
