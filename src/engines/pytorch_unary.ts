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

/** A float32 function of the real value, as both loops have it. */
function loopsOf({ input, output, clamp: given }: UnaryLayer, f: Real): Loops {
  const [min, max] = given ?? [0, 255];
  const { vector, scalar } = dequantizers(input);
  const inverse = f32(1 / f32(output.scale));
  return {
    vector: (x) => clamp(roundHalfEven(f32(f(vector(x)) * inverse)) + output.zeroPoint, min, max),
    scalar: (x) => clamp(roundHalfEven(f32(f32(f(scalar(x)) * inverse) + output.zeroPoint)), min, max),
  };
}

const relu6 = (x: number): number => clamp(f32(x + 3), 0, 6);
const hardSwish: Real = (d) => f32(f32(d * relu6(d)) / 6);
const hardSigmoid: Real = (d) => f32(relu6(d) / 6);
const sigmoid: Real = (d) => f32(1 / f32(1 + f32(Math.exp(-d))));

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

/** What all engines have alike. */
function common(layer: UnaryLayer, isTail: UnaryFunctions['isTail']): UnaryFunctions | undefined {
  if (layer.op === 'Rescale') return rescale(layer);
  if (layer.op === 'Relu') {
    const [min, max] = layer.clamp ?? [layer.input.zeroPoint, 255];
    return { body: (x) => clamp(x, min, max) };
  }
  return layer.op === 'LeakyRelu' ? inBlocks(layer, leakyRelu(layer), isTail) : undefined;
}

function inBlocks(layer: UnaryLayer, f: Real, isTail: UnaryFunctions['isTail']): UnaryFunctions {
  const { vector, scalar } = loopsOf(layer, f);
  return { body: vector, tail: scalar, ...(isTail && { isTail }) };
}

/** PyTorch's own kernels. Its sigmoid's arithmetic is not known. */
export const nativeUnary =
  (isTail: NonNullable<UnaryFunctions['isTail']>) =>
  (layer: UnaryLayer): UnaryFunctions | undefined => {
    if (layer.op === 'HardSwish') return inBlocks(layer, hardSwish, isTail);
    if (layer.op === 'HardSigmoid') return inBlocks(layer, hardSigmoid, isTail);
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
    const f = QNNPACK[layer.op];
    return f ? { body: loopsOf(layer, f).scalar } : common(layer, isTail);
  };
