import { UnsupportedModelError } from '../errors.ts';
import { twoRoundings } from './float32.ts';
import { double, doubleUp, highMultiply, quantizeMultiplier, type Rescale } from './fixed_point.ts';
import { byteRange } from '../graph/graph.ts';
import { EVERY_X64 } from './origin.ts';
import { clamp, f32, roundHalfAway, roundHalfEven } from './rounding.ts';
import { addOf, averagePlane, boundsOf, fixedPointLinear, mean, sumSteps, tflite } from './tflite.ts';
import { resizeByVectors } from './tflite_resize.ts';
import { floatSoftmax } from './tflite_softmax.ts';
import { rescaleOf } from './tflite_unary.ts';
import type {
  AddFunctions,
  AddLayer,
  Engine,
  LinearFunctions,
  LinearLayer,
  MultiplyAdd,
  ReduceLayer,
  MultiplyLayer,
  StepFunctions,
  UnaryLayer,
} from './engine.ts';

/** The elements that vector instructions leave over: behind the last whole block of the tensor. */
export const isBehindBlocks =
  (block: number) =>
  (index: number, elements: number): boolean =>
    index >= elements - (elements % block);

/** Channels that vector instructions take at a time. */
const CHANNEL_BLOCK = 8;

/** Channels in blocks round half up at last, those behind the last block half away from zero. */
export function byChannelBlocks(layer: LinearLayer): StepFunctions {
  const [block, rest] = [fixedPointLinear(layer, doubleUp), fixedPointLinear(layer, double)];
  const inBlocks = layer.outputChannels - (layer.outputChannels % CHANNEL_BLOCK);
  return { ...block, at: (channel) => (channel < inBlocks ? block : rest).at(channel) };
}

/** CONV_2D and FULLY_CONNECTED by ruy round half up at last. */
function linear(layer: LinearLayer): LinearFunctions {
  if (layer.transposed) return transposedLinear(layer);
  if (!layer.depthwise) return fixedPointLinear(layer, doubleUp);
  return layer.output.type === 'int8' ? byChannelBlocks(layer) : fixedPointLinear(layer, double);
}

/** Values of a TRANSPOSE_CONV of uint8 that vector instructions take at a time. */
const TRANSPOSED_BLOCK = 16;

/** TRANSPOSE_CONV: of uint8, values behind the last block round half away from zero. */
export function transposedLinear(layer: LinearLayer): LinearFunctions {
  const { output, outputChannels, pixels = 1 } = layer;
  if (output.type === 'int8') return byChannelBlocks(layer);
  const values = pixels * outputChannels;
  const first = values - (values % TRANSPOSED_BLOCK);
  const body = fixedPointLinear(layer, doubleUp);
  return first === values ? body : { ...body, tail: { values: fixedPointLinear(layer, double), first } };
}

/** Of an operand of an ADD in blocks of 8 (uint8): the shift to the right rounds down. */
const downwards: Rescale = (x, { multiplier, exponent }) => Math.floor(highMultiply(x, multiplier) / 2 ** -exponent);
/** In blocks of 16 (int8): the shift is taken off before. */
const before: Rescale = (x, { multiplier, exponent }) => highMultiply(x * 2 ** exponent, multiplier);

/** To int16, as vector instructions narrow: it wraps around. */
const wrapped = (x: number): number => (x << 16) >> 16;

/**
 * The loop that vector instructions run over, where two shapes are broadcast (ProcessBroadcastShapes): how long it is, and
 * whether one of the operands is one value in it; undefined where the shapes are of none of five dimensions' patterns, whose
 * elements are computed one by one.
 */
function innerLoop(
  first: readonly number[],
  second: readonly number[],
): { readonly length: number; readonly ofOneValue: boolean } | undefined {
  const rank = Math.max(first.length, second.length);
  const extended = (shape: readonly number[]): number[] => [
    ...new Array<number>(rank - shape.length).fill(1),
    ...shape,
  ];
  let [a, b] = [extended(first), extended(second)];
  const differing = a.findLastIndex((d, i) => d !== b[i]);
  if (differing < 0) return { length: a.reduce((product, d) => product * d, 1), ofOneValue: false };
  if (a[differing] !== 1) [a, b] = [b, a];
  const patterns: ((i: number) => boolean)[] = [
    (i) => a[i] === b[i],
    (i) => a[i] === 1,
    (i) => a[i] === b[i],
    (i) => b[i] === 1,
    (i) => a[i] === b[i],
  ];
  let i = rank - 1;
  const [innermost, next] = patterns.map((fits) => {
    let product = 1;
    for (; i >= 0 && fits(i); i--) product *= Math.max(a[i]!, b[i]!);
    return product;
  }) as [number, number];
  if (i >= 0) return undefined;
  return innermost > 1 ? { length: innermost, ofOneValue: false } : { length: next, ofOneValue: true };
}

/** ADD in blocks of vector instructions, the rest as the reference kernels do. */
function add(layer: AddLayer): AddFunctions {
  const { output, shapes } = layer;
  const [min, max] = boundsOf(layer);
  const { sum, value } = addOf(layer);
  const loop = shapes ? innerLoop(...shapes) : { length: Infinity, ofOneValue: false };
  const rest = tflite.add(layer).body;
  if (!loop) return { body: rest };
  const [block, part]: [number, Rescale] = output.type === 'uint8' || loop.ofOneValue ? [8, downwards] : [16, before];
  const inBlock = sum(part);
  return {
    body: (x, y) => clamp(wrapped(wrapped(value(inBlock(x, y))) + output.zeroPoint), min, max),
    tail: rest,
    isTail: (index, elements) => isBehindBlocks(block)(index % loop.length, Math.min(loop.length, elements)),
  };
}

/** MUL narrows to int16 in blocks, which shows where its scale is absurd. */
function multiply(layer: MultiplyLayer) {
  const { a, b, output } = layer;
  if (f32(f32(a.scale * b.scale) / output.scale) * 255 * 255 >= 2 ** 15 - 256)
    throw new UnsupportedModelError(
      `a product of scales ${a.scale} and ${b.scale} in one of ${output.scale}, which leaves int16; supported: larger ones`,
    );
  return tflite.multiply!(layer);
}

/** Channels that MEAN's vector instructions take at a time. */
const MEAN_BLOCK = 16;

/**
 * MEAN with its dimensions kept: the multiplier of sx / (n * sy), on the sums with their zero points, for which the rounded
 * zero point is made good; of channels behind the last block the last rounding is half away from zero. Without: as the
 * reference kernels.
 */
export function blockMean(layer: ReduceLayer): StepFunctions {
  if (!layer.keepdims) return mean(layer);
  const { input, output, count, channels = MEAN_BLOCK } = layer;
  const by = quantizeMultiplier(input.scale / (count * output.scale));
  const zero = f32(f32(input.zeroPoint * input.scale) / output.scale);
  const added = output.zeroPoint - Math.trunc(f32(zero + (zero > 0 ? 0.5 : -0.5)));
  const zeros = count * input.zeroPoint;
  const by16 = (rescale: Rescale) =>
    sumSteps(layer, input.scale / output.scale / count, (sum) => rescale(sum + zeros, by) + added);
  const [block, rest] = [by16(doubleUp), by16(double)];
  const inBlocks = channels - (channels % MEAN_BLOCK);
  if (inBlocks === channels) return block;
  if (inBlocks === 0) return rest;
  return { ...block, channels, at: (channel) => (channel < inBlocks ? block : rest).at(0) };
}

/** SUM in float32: half away(f32(f32(sum*S) + f32(f32(-zx*S) * n))), on the sums with their zero points. */
export function realSum(layer: ReduceLayer, multiplyAdd: MultiplyAdd = twoRoundings): StepFunctions {
  const { input, output, count } = layer;
  const scale = f32(input.scale / output.scale);
  const offset = f32(f32(-input.zeroPoint * scale) * count);
  const zeros = count * input.zeroPoint;
  return sumSteps(
    layer,
    scale,
    (sum) => roundHalfAway(multiplyAdd(f32(sum + zeros), scale, offset)) + output.zeroPoint,
  );
}

const QUANTIZE_BLOCK = 16;
/** Between float32 and bytes. */
const REAL_BLOCK = 8;

function unary(layer: UnaryLayer) {
  if (layer.op !== 'Requantize') return tflite.unary!(layer);
  const rescale = rescaleOf(layer);
  return { body: rescale(doubleUp), tail: rescale(double), isTail: isBehindBlocks(QUANTIZE_BLOCK) };
}

/**
 * TensorFlow Lite's optimized kernels on x86-64, without XNNPACK. Vector instructions round otherwise than what is left over
 * behind them, so a value depends on where it lies. Measured on LiteRT 2.3, one thread.
 */
export const tfliteBuiltin: Engine = {
  ...tflite,
  name: 'tflite-builtin',
  description: "TensorFlow Lite's optimized kernels on x86-64, without XNNPACK",
  origins: [{ runtime: 'litert-builtin', processors: EVERY_X64 }],
  linear,
  add,
  multiply,
  reduce: (layer) => (layer.op === 'ReduceSum' ? realSum(layer) : blockMean(layer)),
  globalAveragePool: (layer) =>
    layer.op === 'AveragePool' ? averagePlane(layer) : blockMean({ ...layer, keepdims: true }),
  unary,
  resize: (layer) => resizeByVectors(layer),
  softmax: floatSoftmax,
  quantize(output) {
    const [min, max] = byteRange(output.type);
    const inverse = f32(1 / output.scale);
    return (x) => clamp(roundHalfEven(f32(x * inverse)) + output.zeroPoint, min, max);
  },
  dequantize({ scale, zeroPoint }) {
    const offset = f32(-zeroPoint * scale);
    return (q) => f32(f32(q * scale) + offset);
  },
  tails: {
    isTail: isBehindBlocks(REAL_BLOCK),
    quantize(output) {
      const [min, max] = byteRange(output.type);
      return (x) => clamp(roundHalfAway(x / output.scale) + output.zeroPoint, min, max);
    },
    dequantize: tflite.dequantize,
  },
};
