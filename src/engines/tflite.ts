import { UnsupportedModelError } from '../errors.ts';
import { byteRange } from '../graph/graph.ts';
import { double, exponentOf, quantizeMultiplier, type Multiplier, type Rescale } from './fixed_point.ts';
import { EVERY_PROCESSOR } from './origin.ts';
import { clamp, f32, INT32_END, roundHalfAway } from './rounding.ts';
import { resizeByReference } from './tflite_resize.ts';
import { fixedSoftmax } from './tflite_softmax.ts';
import { UNARY } from './tflite_unary.ts';
import type {
  AddLayer,
  AveragePoolFunctions,
  AveragePoolLayer,
  BinaryLayer,
  Clamp,
  Engine,
  LinearLayer,
  MatmulLayer,
  ReduceFunctions,
  ReduceLayer,
  MultiplyLayer,
  PoolLayer,
  StepFunctions,
  TensorQuantization,
} from './engine.ts';

type Pair = (x: number, y: number) => number;

/** [least, most] of an output. */
export const boundsOf = ({ output, clamp: given }: { output: TensorQuantization; clamp?: Clamp }): Clamp =>
  given ?? byteRange(output.type);

/** The int32 bias of a channel. */
export function biasOf({ bias }: LinearLayer): (channel: number) => number {
  if (bias && !(bias instanceof Int32Array))
    throw new UnsupportedModelError('TensorFlow Lite takes an int32 bias, got float32');
  return (channel) => bias?.[channel] ?? 0;
}

export const weightScaleOf = ({ weightScale }: LinearLayer, channel: number): number =>
  weightScale[weightScale.length === 1 ? 0 : channel]!;

/** sx * sw / sy: in doubles for int8; for uint8 the product is a float32. */
function scaleOf(layer: LinearLayer, channel: number): number {
  const { input, output } = layer;
  const sum = input.scale * weightScaleOf(layer, channel);
  return (output.type === 'uint8' ? f32(sum) : sum) / output.scale;
}

/** What the sums of a channel and its bias become, before the clamp. `shift`: powers of two by which it is multiplied first. */
interface Channel {
  readonly value: (sum: number) => number;
  readonly slope: number;
  readonly shift?: number;
}

/** The sums that, with what is added to them and shifted to the left, stay in int32: [first, last]. */
function risesOf(shift = 0, added = 0): readonly [number, number] {
  const end = INT32_END / 2 ** Math.max(shift, 0);
  return [Math.max(-INT32_END, Math.ceil(-end - added)), Math.min(INT32_END - 1, Math.ceil(end) - 1 - added)];
}

/** The step functions of a linear layer; its sums, shifted to the left, stay in int32. */
export function linearSteps(layer: LinearLayer, channelOf: (channel: number) => Channel): StepFunctions {
  const { output, outputChannels } = layer;
  const [min, max] = boundsOf(layer);
  const bias = biasOf(layer);
  return {
    channels: outputChannels,
    min,
    max,
    at(channel) {
      const { value } = channelOf(channel);
      const added = bias(channel);
      return (accumulator) => clamp(value(accumulator + added) + output.zeroPoint, min, max);
    },
    rises: (channel) => risesOf(channelOf(channel).shift, bias(channel)),
    slope: (channel) => channelOf(channel).slope,
  };
}

/** By a multiplier of 31 bits. */
export function fixedPointLinear(layer: LinearLayer, rescale: Rescale): StepFunctions {
  return linearSteps(layer, (channel) => {
    const scale = scaleOf(layer, channel);
    const by = quantizeMultiplier(scale);
    return { value: (sum) => rescale(sum, by), slope: scale, shift: by.exponent };
  });
}

/** FULLY_CONNECTED: the product of doubles, half away from zero. */
function realGemm(layer: LinearLayer): StepFunctions {
  return linearSteps(layer, (channel) => {
    const scale = (layer.input.scale * weightScaleOf(layer, channel)) / layer.output.scale;
    return { value: (sum) => roundHalfAway(sum * scale), slope: scale };
  });
}

/** An ADD in parts: what an operand adds, by its multiplier, and what becomes of the sum. */
export function addOf({ a, b, output }: Pick<AddLayer, 'a' | 'b' | 'output'>, rescale: Rescale = double) {
  // of float32 values, exact in doubles
  const largest = 2 * Math.max(a.scale, b.scale);
  const [byA, byB] = [quantizeMultiplier(a.scale / largest), quantizeMultiplier(b.scale / largest)];
  const by = quantizeMultiplier(largest / (2 ** SHIFT * output.scale));
  return {
    /** @param part of (x - zx) * 2^20 and its operand's multiplier */
    sum: (part: Rescale) => (x: number, y: number) =>
      part((x - a.zeroPoint) * 2 ** SHIFT, byA) + part((y - b.zeroPoint) * 2 ** SHIFT, byB),
    difference: (x: number, y: number) =>
      rescale((x - a.zeroPoint) * 2 ** SHIFT, byA) - rescale((y - b.zeroPoint) * 2 ** SHIFT, byB),
    value: (sum: number): number => rescale(sum, by),
  };
}

const SHIFT = 20;

function add(layer: AddLayer, rescale: Rescale) {
  const [min, max] = boundsOf(layer);
  const { sum, value } = addOf(layer, rescale);
  const of = sum(rescale);
  return { body: (x: number, y: number) => clamp(value(of(x, y)) + layer.output.zeroPoint, min, max) };
}

/** The product, times f32(f32(sa*sb) / sy). */
function productOf({ a, b, output }: MultiplyLayer, rescale: Rescale): Pair {
  const by = quantizeMultiplier(f32(f32(a.scale * b.scale) / output.scale));
  return (x, y) => rescale((x - a.zeroPoint) * (y - b.zeroPoint), by);
}

function multiply(layer: MultiplyLayer, rescale: Rescale): Pair {
  const [min, max] = boundsOf(layer);
  const product = productOf(layer, rescale);
  return (x, y) => clamp(product(x, y) + layer.output.zeroPoint, min, max);
}

/** Sums of so many bytes are float32 values. */
const MOST_AVERAGED = Math.floor(2 ** 24 / 255);

/** A sum of integers over their count, half away from zero. */
const averageOf =
  ([min, max]: Clamp, count: number) =>
  (sum: number) =>
    clamp(roundHalfAway(sum / count), min, max);

/** AVERAGE_POOL_2D. */
export function averagePool(layer: AveragePoolLayer): AveragePoolFunctions | undefined {
  if (layer.op !== 'AveragePool') return undefined;
  expectSameScale(layer);
  return {
    value: (q) => q,
    output(divisor) {
      if (divisor > MOST_AVERAGED)
        throw new UnsupportedModelError(`an average of ${divisor} elements; supported: up to ${MOST_AVERAGED}`);
      return averageOf(boundsOf(layer), divisor);
    },
  };
}

function expectSameScale({ input, output }: Pick<PoolLayer, 'input' | 'output'>): void {
  if (input.scale !== output.scale || input.zeroPoint !== output.zeroPoint)
    throw new UnsupportedModelError(
      `a pool from scale ${input.scale}, zero point ${input.zeroPoint} to scale ${output.scale}, zero point ` +
        `${output.zeroPoint}; supported by TensorFlow Lite: the same on both sides`,
    );
}

/** An AVERAGE_POOL_2D of the whole plane, of sums less their zero points. */
export function averagePlane(layer: PoolLayer): StepFunctions {
  expectSameScale(layer);
  const [min, max] = boundsOf(layer);
  const average = averageOf([min, max], layer.count);
  const zeros = layer.count * layer.input.zeroPoint;
  return { channels: 1, min, max, at: () => (sum) => average(sum + zeros), slope: () => 1 / layer.count };
}

/** One function for all channels, of sums less their zero points. */
export function sumSteps(layer: PoolLayer, slope: number, value: (sum: number) => number): StepFunctions {
  const [min, max] = boundsOf(layer);
  return { channels: 1, min, max, at: () => (sum) => clamp(value(sum), min, max), slope: () => slope };
}

/** MEAN: the multiplier of sx / sy, divided by the count in integers, as far as it can be shifted. */
export function mean(layer: ReduceLayer, rescale: Rescale = double): StepFunctions {
  const { input, output, count } = layer;
  const { multiplier, exponent } = quantizeMultiplier(input.scale / output.scale);
  const shift = Math.min(exponentOf(count), 31 + exponent);
  const by: Multiplier = {
    multiplier: Number((BigInt(multiplier) << BigInt(shift)) / BigInt(count)),
    exponent: exponent - shift,
  };
  return sumSteps(layer, input.scale / output.scale / count, (sum) => rescale(sum, by) + output.zeroPoint);
}

/** SUM, whose kernel takes int8 tensors for uint8 ones, with their own zero points. */
function sumOf(layer: ReduceLayer, rescale: Rescale): ReduceFunctions {
  const { input, output } = layer;
  const scale = input.scale / output.scale;
  const by = quantizeMultiplier(scale);
  const unsigned = { ...layer, output: { ...output, type: 'uint8' as const } };
  return { ...sumSteps(unsigned, scale, (sum) => rescale(sum, by) + output.zeroPoint), unsigned: true };
}

/** BATCH_MATMUL: the scale as of a uint8 convolution. */
function matmul({ a, b, output }: MatmulLayer, rescale: Rescale): StepFunctions {
  const scale = f32(a.scale * b.scale) / output.scale;
  const by = quantizeMultiplier(scale);
  const [min, max] = byteRange(output.type);
  return {
    channels: 1,
    min,
    max,
    at: () => (sum) => clamp(rescale(sum, by) + output.zeroPoint, min, max),
    rises: () => risesOf(by.exponent),
    slope: () => scale,
  };
}

const SQUARE_SHIFT = 7;

/** Functions of two values, zero point included, clamp not. */
const BINARY: Readonly<Record<string, ((layer: BinaryLayer, rescale: Rescale) => Pair) | undefined>> = {
  Sub(layer, rescale) {
    const { difference, value } = addOf(layer, rescale);
    return (x, y) => value(difference(x, y)) + layer.output.zeroPoint;
  },
  Maximum: () => Math.max,
  Minimum: () => Math.min,
  // the second operand is the slope
  PRelu({ a, b, output }, rescale) {
    const by = quantizeMultiplier(f32(a.scale / output.scale));
    const below = quantizeMultiplier(f32(f32(a.scale * b.scale) / output.scale));
    return (x, y) => {
      const d = x - a.zeroPoint;
      return (d >= 0 ? rescale(d, by) : rescale(d * (y - b.zeroPoint), below)) + output.zeroPoint;
    };
  },
  SquaredDifference({ a, b, output }, rescale) {
    const largest = 2 * Math.max(a.scale, b.scale);
    const [byA, byB] = [quantizeMultiplier(a.scale / largest), quantizeMultiplier(b.scale / largest)];
    const by = quantizeMultiplier((largest * largest) / (2 ** (2 * SQUARE_SHIFT) * output.scale));
    const part = (d: number, own: Multiplier): number => rescale(d * 2 ** SQUARE_SHIFT, own);
    return (x, y) => {
      const d = part(x - a.zeroPoint, byA) - part(y - b.zeroPoint, byB);
      return rescale(d * d, by) + output.zeroPoint;
    };
  },
};

/** The reference kernels, by the way in which integers are multiplied with a scale; FULLY_CONNECTED may have another. */
export function createReference(
  own: Pick<Engine, 'name' | 'description' | 'origins'>,
  rescale: Rescale,
  gemm = (layer: LinearLayer): StepFunctions => fixedPointLinear(layer, rescale),
): Engine {
  return {
    ...own,
    family: 'tflite',
    linear: (layer) => (layer.op === 'gemm' ? gemm(layer) : fixedPointLinear(layer, rescale)),
    accumulation: () => 'exact',
    add: (layer) => add(layer, rescale),
    multiply: (layer) => multiply(layer, rescale),
    averagePool,
    globalAveragePool: (layer) =>
      layer.op === 'AveragePool' ? averagePlane(layer) : mean({ ...layer, keepdims: true }, rescale),
    reduce: (layer) => (layer.op === 'ReduceSum' ? sumOf(layer, rescale) : mean(layer, rescale)),
    unary(layer) {
      const of = UNARY[layer.op];
      return of ? { body: of(layer, rescale) } : undefined;
    },
    binary(layer) {
      const [min, max] = boundsOf(layer);
      const of = BINARY[layer.op];
      if (!of) return undefined;
      const f = of(layer, rescale);
      return (x, y) => clamp(f(x, y), min, max);
    },
    matmul: (layer) => matmul(layer, rescale),
    resize: resizeByReference,
    softmax: fixedSoftmax,

    quantize(output) {
      const [min, max] = byteRange(output.type);
      return (x) => clamp(roundHalfAway(f32(x / output.scale)) + output.zeroPoint, min, max);
    },

    dequantize:
      ({ scale, zeroPoint }) =>
      (q) =>
        f32(scale * (q - zeroPoint)),
  };
}

/**
 * TensorFlow Lite's reference kernels, which are those of TensorFlow Lite for Microcontrollers, too: fixed point with two
 * roundings. Measured on LiteRT 2.3.
 */
export const tflite = createReference(
  {
    name: 'tflite',
    description: "TensorFlow Lite's reference kernels, and microcontrollers': fixed point, two roundings",
    origins: [{ runtime: 'litert-reference', processors: EVERY_PROCESSOR }],
  },
  double,
  realGemm,
);
