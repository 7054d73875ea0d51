import { UnsupportedModelError } from '../errors.ts';
import { byteRange } from '../graph/graph.ts';
import { exponentOf } from './fixed_point.ts';
import { twoRoundings } from './float32.ts';
import { FloatLines } from './float_lines.ts';
import { EVERY_X64 } from './origin.ts';
import { clamp, f32, roundHalfEven } from './rounding.ts';
import { averagePlane, biasOf, boundsOf, sumSteps, tflite, weightScaleOf } from './tflite.ts';
import { tanh } from './tanh.ts';
import { tfliteBuiltin } from './tflite_builtin.ts';
import { resizeByXnnpack } from './tflite_resize.ts';
import type {
  AddLayer,
  Engine,
  LinearLayer,
  MatmulLayer,
  MultiplyAdd,
  MultiplyLayer,
  PoolLayer,
  StepFunctions,
  UnaryLayer,
} from './engine.ts';

/** Scales from which on XNNPACK makes no such operator. */
const LINEAR_END = 2 ** 8;

/** The scale of a channel. */
export function floatScale(layer: LinearLayer, channel: number): number {
  const { input, output } = layer;
  return expectTaken(f32(f32(input.scale * weightScaleOf(layer, channel)) / output.scale));
}

function expectTaken(scale: number): number {
  if (scale >= LINEAR_END)
    throw new UnsupportedModelError(`a scale of ${scale}; supported by XNNPACK: below ${LINEAR_END}`);
  return scale;
}

/** Of a right matrix with another zero point XNNPACK makes no such operator. */
function matmulOf({ a, b, output }: MatmulLayer): StepFunctions | undefined {
  if (b.zeroPoint !== 0) return undefined;
  const scale = expectTaken(f32(f32(a.scale * b.scale) / output.scale));
  return new FloatLines(1, byteRange(output.type), () => ({ bias: 0, scale, zeroPoint: output.zeroPoint }));
}

/** One float32 scale, ties to even, as in onnxruntime. */
export function floatLinear(layer: LinearLayer): StepFunctions {
  const { output, outputChannels } = layer;
  const bias = biasOf(layer);
  return new FloatLines(outputChannels, boundsOf(layer), (channel) => {
    return { bias: bias(channel), scale: floatScale(layer, channel), zeroPoint: output.zeroPoint };
  });
}

const within = (value: number, least: number, end: number): boolean => value >= least && value < end;

/** Integers of 21 bits, and one shift, half up; undefined for scales of which XNNPACK makes no such operator. */
function sumOf({ a, b, output, clamp: given }: Pick<AddLayer, 'a' | 'b' | 'output' | 'clamp'>, sign: 1 | -1) {
  const ratios = [f32(a.scale / output.scale), f32(b.scale / output.scale)] as const;
  if (!ratios.every((ratio) => within(ratio, 2 ** -10, 2 ** 8))) return undefined;
  const [min, max] = boundsOf({ output, ...(given && { clamp: given }) });
  const shift = 20 - exponentOf(Math.max(...ratios));
  const [byA, byB] = ratios.map((ratio) => roundHalfEven(ratio * 2 ** shift)) as [number, number];
  const half = 2 ** (shift - 1);
  return (x: number, y: number): number => {
    const sum = (x - a.zeroPoint) * byA + sign * (y - b.zeroPoint) * byB + half;
    return clamp(Math.floor(sum / 2 ** shift) + output.zeroPoint, min, max);
  };
}

/** A product of float32 values, ties to even before the zero point. */
export type Product = (product: number, scale: number) => number;
const inFloat32: Product = (product, scale) => roundHalfEven(f32(product * scale));

/** undefined for scales of which XNNPACK makes no such operator. */
function productOf(layer: MultiplyLayer, round: Product): ((x: number, y: number) => number) | undefined {
  const { a, b, output } = layer;
  const scale = f32(f32(a.scale * b.scale) / output.scale);
  if (!within(scale, 2 ** -16, 2 ** 8)) return undefined;
  const [min, max] = boundsOf(layer);
  return (x, y) => clamp(round((x - a.zeroPoint) * (y - b.zeroPoint), scale) + output.zeroPoint, min, max);
}

/**
 * S = f32(f32(sx/sy) * f32(1/n)), of a sum without the last; rne(f32(f32(sum * S) + f32(zy - f32(f32(n*zx) * S)))), on the sums
 * with their zero points.
 */
function reduceBy(layer: PoolLayer, multiplyAdd: MultiplyAdd): StepFunctions {
  const { op, input, output, count } = layer;
  const scale = f32(f32(input.scale / output.scale) * (op === 'ReduceSum' ? 1 : f32(1 / count)));
  const zeros = count * input.zeroPoint;
  const offset = multiplyAdd(-f32(zeros), scale, output.zeroPoint);
  return sumSteps(layer, scale, (sum) => roundHalfEven(multiplyAdd(f32(sum + zeros), scale, offset)));
}

/** A product with a multiplier of 8 bits behind the point, half up. */
const byte = (d: number, by: number): number => (d * by + 128) >> 8;
const byteMultiplier = (ratio: number): number => roundHalfEven(f32(256 * ratio));
/** Ratios of scales that such a multiplier is made of. */
const isTaken = (ratio: number): boolean => ratio >= 2 ** -8 && ratio <= 2 ** 7;

/** In double, rounded once. */
function logistic(x: number): number {
  const e = Math.exp(x);
  return f32(x > 100 ? 1 : x < -100 ? 0 : e / (1 + e));
}

/** Functions of x - zx, zero point included, clamp not; undefined where the optimized kernels run. */
const UNARY: Readonly<Record<string, (layer: UnaryLayer) => ((d: number) => number) | undefined>> = {
  // between tensors of one type
  Requantize({ input, output }) {
    const ratio = f32(input.scale / output.scale);
    const by = byteMultiplier(ratio);
    return input.type === output.type && isTaken(ratio) ? (d) => byte(d, by) + output.zeroPoint : undefined;
  },
  LeakyRelu({ input, output, alpha = 0 }) {
    const ratio = f32(input.scale / output.scale);
    const slope = f32(ratio * alpha);
    const [above, below] = [byteMultiplier(ratio), byteMultiplier(slope)];
    return isTaken(ratio) && isTaken(Math.abs(slope))
      ? (d) => byte(d, d >= 0 ? above : below) + output.zeroPoint
      : undefined;
  },
  Sigmoid: (layer) => real(layer, logistic),
  Tanh: (layer) => real(layer, tanh),
};

/** A float32 function of the real value, ties to even after the zero point. */
function real({ input, output }: UnaryLayer, f: (x: number) => number): (d: number) => number {
  const inverse = f32(1 / output.scale);
  return (d) => roundHalfEven(f32(f32(f(f32(input.scale * d)) * inverse) + output.zeroPoint));
}

/** What differs between processors. */
interface Processor {
  /** The optimized kernels, which run what XNNPACK does not take. */
  readonly optimized: Engine;
  readonly linear: (layer: LinearLayer) => StepFunctions;
  readonly product: Product;
  readonly multiplyAdd: MultiplyAdd;
}

export function createXnnpack(
  own: Pick<Engine, 'name' | 'description' | 'origins'>,
  { optimized, linear, product, multiplyAdd }: Processor,
): Engine {
  const { tails: _, ...others } = optimized;
  const reduce = (layer: PoolLayer): StepFunctions => reduceBy(layer, multiplyAdd);
  return {
    ...others,
    ...own,
    linear,
    add(layer) {
      const body = sumOf(layer, 1);
      return body ? { body } : optimized.add(layer);
    },
    multiply: (layer) => productOf(layer, product) ?? optimized.multiply!(layer),
    binary(layer) {
      const difference = layer.op === 'Sub' ? sumOf(layer, -1) : undefined;
      return difference ?? optimized.binary!(layer);
    },
    reduce,
    matmul: (layer) => matmulOf(layer) ?? optimized.matmul!(layer),
    resize: (layer) => resizeByXnnpack(layer, multiplyAdd),
    globalAveragePool: (layer) => (layer.op === 'AveragePool' ? averagePlane(layer) : reduce(layer)),
    unary(layer) {
      const f = UNARY[layer.op]?.(layer);
      if (!f) return optimized.unary!(layer);
      const [min, max] = byteRange(layer.output.type);
      return { body: (x) => clamp(f(x - layer.input.zeroPoint), min, max) };
    },
    dequantize: tflite.dequantize,
  };
}

/** XNNPACK on x86-64, which TensorFlow Lite runs by default wherever it can; what it does not take runs in the optimized kernels. */
export const xnnpack: Engine = {
  ...createXnnpack(
    {
      name: 'xnnpack',
      description: 'TensorFlow Lite as it comes, with XNNPACK, on x86-64: float32 scale, ties to even',
      origins: [{ runtime: 'litert-xnnpack', processors: EVERY_X64 }],
    },
    { optimized: tfliteBuiltin, linear: floatLinear, product: inFloat32, multiplyAdd: twoRoundings },
  ),
  recipe: 'onnxruntime',
};
