import { byteRange } from '../graph/graph.ts';
import { highMultiply, quantizeMultiplier, shiftAway, shiftUp, type Rescale } from './fixed_point.ts';
import { clamp, f32, INT32_END, roundHalfAway } from './rounding.ts';
import { tanh } from './tanh.ts';
import { twoRoundings } from './float32.ts';
import type { Clamp, MultiplyAdd, UnaryLayer } from './engine.ts';

type Unary = (layer: UnaryLayer, rescale: Rescale) => (x: number) => number;

const boundsOf = ({ output, clamp: given }: UnaryLayer): Clamp => given ?? byteRange(output.type);

/** A function of x - zx, with the output's zero point and clamp. */
function centred(layer: UnaryLayer, f: (d: number) => number): (x: number) => number {
  const [min, max] = boundsOf(layer);
  const { input, output } = layer;
  return (x) => clamp(f(x - input.zeroPoint) + output.zeroPoint, min, max);
}

/** QUANTIZE of another quantization; of types that differ in their first bit alone, a move of bits. */
export function rescaleOf(layer: UnaryLayer): (rescale: Rescale) => (x: number) => number {
  const { input, output } = layer;
  const by = quantizeMultiplier(input.scale / output.scale);
  const shift = output.type === 'int8' ? -128 : 128;
  if (input.type !== output.type && input.scale === output.scale && output.zeroPoint - input.zeroPoint === shift)
    return () => (x) => x + shift;
  return (rescale) => centred(layer, (d) => rescale(d, by));
}

/** The other way round: a minimum is the complement of complements' maximum. */
function complement({ output }: UnaryLayer): (x: number) => number {
  const [min, max] = byteRange(output.type);
  return (x) => min + max - x;
}

/** CONCATENATION's rescale, in float32: half away(f32(f32(x*s) + f32(-zx*s))), s = f32(sx * f32(1/sy)). */
export function rescaleFloat(layer: UnaryLayer, multiplyAdd: MultiplyAdd = twoRoundings): (x: number) => number {
  const { input, output } = layer;
  const scale = f32(input.scale * f32(1 / output.scale));
  const offset = f32(-input.zeroPoint * scale);
  const [min, max] = boundsOf(layer);
  return (x) => clamp(roundHalfAway(multiplyAdd(x, scale, offset)) + output.zeroPoint, min, max);
}

/** RELU, RELU6, RELU_N1_TO_1: a rescale, and their clamp. */
function relu(layer: UnaryLayer, rescale: Rescale): (x: number) => number {
  const by = quantizeMultiplier(f32(layer.input.scale / layer.output.scale));
  return centred(layer, (d) => rescale(d, by));
}

function leakyRelu(layer: UnaryLayer, rescale: Rescale): (x: number) => number {
  const { input, output, alpha = 0 } = layer;
  const by = quantizeMultiplier(f32(input.scale / output.scale));
  const slope = f32(f32(input.scale * alpha) / output.scale);
  const below = quantizeMultiplier(Math.abs(slope));
  return centred(layer, (d) => (d >= 0 ? rescale(d, by) : Math.sign(slope) * rescale(d, below)));
}

/** A float32 function of the real value, half away from zero before the zero point. */
const real =
  (f: (x: number) => number): Unary =>
  (layer) => {
    const inverse = f32(1 / layer.output.scale);
    return centred(layer, (d) => roundHalfAway(f32(f(f32(layer.input.scale * d)) * inverse)));
  };

const logistic = (x: number): number => f32(1 / f32(1 + f32(Math.exp(-x))));

/** To int16: a multiplier of 31 bits, rounded half up; saturated. */
const narrow = (multiplier: number): number => Math.min(Math.floor((multiplier + 2 ** 15) / 2 ** 16), 32767);
const saturate16 = (x: number): number => clamp(x, -32768, 32767);
/** SaturatingRoundingDoublingHighMul of int16: half away from zero. */
const highMultiply16 = (a: number, b: number): number => {
  const product = a * b;
  return Math.trunc((product + (product >= 0 ? 2 ** 14 : 1 - 2 ** 14)) / 2 ** 15);
};
/** RoundingDivideByPOT of int16, whose mask wraps around from 2^16 on. */
function shiftAway16(x: number, shift: number): number {
  const mask = ((2 ** shift - 1) << 16) >> 16;
  return Math.floor(x / 2 ** shift) + Number((x & mask) > (mask >> 1) + Number(x < 0));
}

/** How int16 values are rounded: a product's upper half, a shift to the right, and the last product. */
interface Rounding16 {
  readonly high: (a: number, b: number) => number;
  readonly shift: (x: number, shift: number) => number;
  readonly last: (x: number) => number;
}

const SCALAR: Rounding16 = { high: highMultiply16, shift: shiftAway16, last: Math.trunc };
/** ARM's vector instructions round half up, and the last product down. */
const NEON: Rounding16 = { high: (a, b) => Math.floor((a * b + 2 ** 14) / 2 ** 15), shift: shiftUp, last: Math.floor };

/** HARD_SWISH in int16: the value in the output's scale, times relu6(x + 3) / 6 as a Q0.15. */
const hardSwish = (layer: UnaryLayer): ((x: number) => number) => hardSwishBy(layer, SCALAR);
export const hardSwishByNeon = (layer: UnaryLayer): ((x: number) => number) => hardSwishBy(layer, NEON);

function hardSwishBy(layer: UnaryLayer, { high, shift, last }: Rounding16): (x: number) => number {
  const { input, output } = layer;
  const fine = f32(f32(1 / 128) * input.scale);
  const toOutput = quantizeMultiplier(f32(fine / output.scale));
  const toReluish = quantizeMultiplier(f32(fine / f32(3 / 32768)));
  const [byOutput, byReluish] = [narrow(toOutput.multiplier), narrow(toReluish.multiplier)];
  return centred(layer, (d) => {
    const value = d * 128;
    const inOutput = high(value, byOutput);
    const { exponent } = toReluish;
    let reluish = value;
    if (exponent > 0) reluish = saturate16(reluish * 2 ** (exponent - 1));
    reluish = high(reluish, byReluish);
    if (exponent > 0) reluish = saturate16(reluish * 2);
    if (exponent < 0) reluish = shift(reluish, -exponent);
    reluish = Math.floor((reluish + 32768) / 2);
    return shift(last((reluish * inOutput) / 2 ** 15), -toOutput.exponent);
  });
}

function absolute(layer: UnaryLayer, rescale: Rescale): (x: number) => number {
  const { input, output } = layer;
  const by = quantizeMultiplier(f32(input.scale / output.scale));
  return centred(layer, (d) => (input.scale === output.scale ? Math.abs(d) : rescale(Math.abs(d), by)));
}

const saturate32 = (x: number): number => clamp(x, -INT32_END, INT32_END - 1);

/** 1 / sqrt(x) of an integer, as a multiplier and a shift to the right: GetInvSqrtQuantizedMultiplierExp. */
function inverseRoot(given: number): { readonly multiplier: number; readonly right: number } {
  if (given <= 1) return { multiplier: INT32_END - 1, right: 0 };
  let [x, right] = [given, 11];
  for (; x >= 2 ** 29; right++) x = Math.floor(x / 4);
  const pairs = Math.floor((Math.clz32(x) - 1) / 2) - 1;
  right -= pairs;
  x *= 4 ** pairs;
  // Newton's iterations in Q3.28
  const half = shiftAway(Math.floor(x / 2), 1);
  let root = 2 ** 28;
  for (let i = 0; i < 5; i++) {
    const cube = saturate32(highMultiply(highMultiply(root, root), root) * 2 ** 6);
    root = saturate32((highMultiply(3 * 2 ** 27, root) - highMultiply(half, cube)) * 8);
  }
  const multiplier = highMultiply(root, Math.round(Math.SQRT1_2 * INT32_END));
  return right < 0 ? { multiplier: multiplier * 2 ** -right, right: 0 } : { multiplier, right };
}

function inverseRootOf(layer: UnaryLayer, rescale: Rescale): (x: number) => number {
  const { input, output } = layer;
  const [, max] = boundsOf(layer);
  const by = quantizeMultiplier(f32(1 / f32(f32(Math.sqrt(input.scale)) * output.scale)));
  const f = centred(layer, (d) => {
    const { multiplier, right } = inverseRoot(d);
    const root = rescale(1, { multiplier, exponent: 20 - right });
    return rescale(root, { ...by, exponent: by.exponent - 20 });
  });
  return (x) => (x === input.zeroPoint ? max : f(x));
}

/** The reference kernels; the optimized ones have most of them, too. */
export const UNARY: Readonly<Record<string, Unary | undefined>> = {
  Requantize: (layer, rescale) => rescaleOf(layer)(rescale),
  Rescale: (layer) => rescaleFloat(layer),
  Complement: complement,
  Relu: relu,
  LeakyRelu: leakyRelu,
  Sigmoid: real(logistic),
  Tanh: real(tanh),
  HardSwish: hardSwish,
  Abs: absolute,
  Rsqrt: inverseRootOf,
};
