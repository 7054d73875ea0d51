import { InvalidInputError, UnsupportedModelError } from '../errors.ts';
import { kindOf } from '../kind_of.ts';
import { fma } from './float32.ts';
import { clamp, f32, roundHalfEven } from './rounding.ts';
import { nativeUnary } from './pytorch_unary.ts';
import type {
  AddFunctions,
  AddLayer,
  AveragePoolFunctions,
  AveragePoolLayer,
  LinearLayer,
  MultiplyLayer,
  PoolLayer,
  ReduceLayer,
  Engine,
  StepFunctions,
  SumOrder,
  TensorQuantization,
} from './engine.ts';

/** How PyTorch is run, where its results depend on it. */
export interface PyTorchOptions {
  /** torch.get_num_threads(); 1 where it is left out. */
  readonly threads?: number;
}

/** [min, max] of an activation. All of PyTorch's engines have quint8 activations; ReLU is a clamp at the zero point. */
export function activationRange(output: TensorQuantization, relu: boolean): readonly [number, number] {
  requireUint8(output);
  return [relu ? output.zeroPoint : 0, 255];
}

export function requireUint8(...tensors: readonly TensorQuantization[]): void {
  for (const { type } of tensors)
    if (type !== 'uint8')
      throw new UnsupportedModelError(`${type} activations; supported by PyTorch's engines: uint8 (quint8)`);
}

/**
 * Each output channel's weight scale and bias as a real number. An int32 bias stands for the float32 value
 * `bias * f32(sx * sw)`, as ONNX defines it.
 */
export function channelsOf({ input, weightScale: scales, bias }: LinearLayer): {
  readonly weightScale: (channel: number) => number;
  readonly realBias: (channel: number) => number;
} {
  requireUint8(input);
  const weightScale = (channel: number): number => scales[scales.length === 1 ? 0 : channel]!;
  const realBias = (channel: number): number => {
    if (!bias) return 0;
    return bias instanceof Float32Array
      ? bias[channel]!
      : f32(bias[channel]! * f32(f32(input.scale) * f32(weightScale(channel))));
  };
  return { weightScale, realBias };
}

/** Engines compute layers whose scales are per channel otherwise, be it a single channel. */
export const isPerChannel = ({ perChannel, weightScale }: LinearLayer): boolean => perChannel ?? weightScale.length > 1;

/**
 * The step functions of a layer, from each channel's `value`: accumulator to integer, the clamp not included. Weight scales
 * are as the file stores them.
 */
export function linearSteps(
  layer: LinearLayer,
  value: (weightScale: number, bias: number) => (accumulator: number) => number,
  more: {
    readonly line?: (weightScale: number, bias: number) => { readonly bias: number; readonly scale: number };
    readonly rises?: (weightScale: number, bias: number) => readonly [first: number, last: number];
  } = {},
): StepFunctions {
  const { input, output } = layer;
  const { weightScale, realBias } = channelsOf(layer);
  const [min, max] = activationRange(output, layer.relu);
  const { line, rises } = more;
  return {
    channels: layer.outputChannels,
    min,
    max,
    at(channel) {
      const integer = value(weightScale(channel), realBias(channel));
      return (accumulator) => clamp(integer(accumulator), min, max);
    },
    slope: (channel) => (input.scale * weightScale(channel)) / output.scale,
    ...(rises && { rises: (channel: number) => rises(weightScale(channel), realBias(channel)) }),
    ...(line && {
      line: (channel: number) => ({
        ...line(weightScale(channel), realBias(channel)),
        zeroPoint: output.zeroPoint,
        least: min,
        most: max,
      }),
    }),
  };
}

/** `rne(fma(x, f32(1/s), z))`, the same in every engine: ties are even after the zero point. */
export function quantize(output: TensorQuantization): (x: number) => number {
  const [min, max] = activationRange(output, false);
  const inverse = f32(1 / f32(output.scale));
  return (x) => clamp(roundHalfEven(fma(x, inverse, output.zeroPoint)), min, max);
}

export function dequantize({ scale, zeroPoint }: TensorQuantization): (q: number) => number {
  return (q) => f32((q - zeroPoint) * f32(scale));
}

/** The vectorized loop of PyTorch's own kernels takes 64 elements at a time. */
const BLOCK = 64;
/** Elements below which a loop is not worth another thread (at::internal::GRAIN_SIZE). */
const GRAIN = 32768;

export function isTail(threads: number): (index: number, elements: number) => boolean {
  return (index, elements) => {
    const chunk = Math.ceil(elements / Math.min(threads, Math.ceil(elements / GRAIN)));
    const start = index - (index % chunk);
    const length = Math.min(chunk, elements - start);
    return index - start >= length - (length % BLOCK);
  };
}

/**
 * PyTorch's own add, which every engine but qnnpack uses. The vectorized body and the scalar tail of each
 * thread's chunk are two different formulas.
 */
function nativeAdd(threads: number): (layer: AddLayer) => AddFunctions {
  return ({ a, b, output, relu }) => {
    requireUint8(a, b);
    const [min, max] = activationRange(output, relu);
    const [scaleA, scaleB] = [f32(a.scale), f32(b.scale)];
    const inverse = f32(1 / f32(output.scale));
    const offsetA = f32(scaleA * -a.zeroPoint);
    const offsetB = f32(scaleB * -b.zeroPoint);
    return {
      body: (x, y) => {
        const sum = f32(fma(scaleA, x, offsetA) + fma(scaleB, y, offsetB));
        return clamp(roundHalfEven(f32(sum * inverse)) + output.zeroPoint, min, max);
      },
      tail: (x, y) => {
        const sum = f32(f32(scaleA * (x - a.zeroPoint)) + f32(scaleB * (y - b.zeroPoint)));
        return clamp(roundHalfEven(f32(f32(sum * inverse) + output.zeroPoint)), min, max);
      },
      isTail: isTail(threads),
    };
  };
}

/** Averaging keeps the quantization: in PyTorch there is no other adaptive average pool. */
export function requireSameQuantization({ input, output }: Pick<PoolLayer, 'input' | 'output'>): void {
  if (input.scale !== output.scale || input.zeroPoint !== output.zeroPoint)
    throw new UnsupportedModelError(
      `an average pool from scale ${input.scale}, zero point ${input.zeroPoint} to scale ${output.scale}, ` +
        `zero point ${output.zeroPoint}; supported by PyTorch's engines: the same on both sides`,
    );
}

/** Channels that a vector of an average pool has with AVX-512, and with AVX2. */
const WIDE = 16;
export const NARROW = 8;

/**
 * Of every engine but qnnpack. Vectors: `rne(f32(sum * f32(1/n))) + zx`; the rest: `rne(f32(f32(sum * f32(1/n)) + zx))`. The
 * loop 'half' takes eight channels that are a vector to some processors.
 */
const nativeAverage =
  (lanes: number) =>
  ({ output, loop, channels = WIDE }: Omit<PoolLayer, 'count' | 'input'>, count: number) => {
    if (loop === undefined && channels % lanes !== 0)
      throw new UnsupportedModelError(
        `an average over windows of ${channels} channels; supported by PyTorch's engines: multiples of ${lanes}`,
      );
    const isVector = loop === undefined || loop === 'vector' || (loop === 'half' && lanes === NARROW);
    const inverse = f32(1 / count);
    const { zeroPoint } = output;
    return (sum: number): number => {
      const mean = f32(f32(sum) * inverse);
      const value = isVector ? roundHalfEven(mean) + zeroPoint : roundHalfEven(f32(mean + zeroPoint));
      return clamp(value, 0, 255);
    };
  };

/** Elements that are added before their sum is added to the next level's, in PyTorch's sum of float32 values. */
const CASCADE = 16;
/** Sums that the loop for what vectors leave over takes turns between. */
const TURNS = 4;

/**
 * The order of PyTorch's float32 sum over the pixels of channels that are last in memory: of vectors, and of what they leave
 * over. Read in SumKernel.cpp, measured on PyTorch 2.13.
 */
function cascade(elements: number, loop: string): SumOrder {
  const own = Math.floor(elements / TURNS);
  if (loop === 'vector' && elements < CASCADE * (CASCADE + 1))
    return { lines: Math.ceil(elements / CASCADE), length: CASCADE, lineStep: CASCADE, step: 1 };
  if (loop === 'scalar' && own <= CASCADE && elements % TURNS <= 1)
    return { lines: TURNS, length: Math.ceil(elements / TURNS), lineStep: 1, step: TURNS };
  throw new UnsupportedModelError(
    `a mean of ${elements} elements; supported by PyTorch's engines: fewer than ${CASCADE * (CASCADE + 1)}, and in channels ` +
      `beyond a multiple of 32 up to ${TURNS * CASCADE + 1}, of which ${TURNS} leave 0 or 1`,
  );
}

function nativeAveragePool(lanes: number, layer: AveragePoolLayer): AveragePoolFunctions | undefined {
  const { input, output, loop } = layer;
  requireSameQuantization(layer);
  if (layer.op !== 'ReduceMean') {
    const average = layer.op === 'AveragePool' ? nativeAverage(lanes) : nativeAdaptive;
    return { value: (q) => q - input.zeroPoint, output: (count) => average(layer, count) };
  }
  // a float32 mean of dequantized values
  if (loop === undefined) return undefined;
  const quantized = quantize(output);
  return {
    value: dequantize(input),
    order: (elements) => cascade(elements, loop),
    output: (count) => (sum) => quantized(f32(sum / count)),
  };
}

/** Where height and width are last in memory: `rne(f32(f32(sum / n) + zx))`. */
const nativePlain =
  ({ zeroPoint }: TensorQuantization, count: number) =>
  (sum: number): number =>
    clamp(roundHalfEven(f32(f32(f32(sum) / count) + zeroPoint)), 0, 255);

function nativeReduce(layer: ReduceLayer): StepFunctions | undefined {
  if (layer.op !== 'ReduceMean' || layer.loop !== 'plain') return undefined;
  requireSameQuantization(layer);
  const [min, max] = activationRange(layer.output, false);
  const value = nativePlain(layer.output, layer.count);
  return { channels: 1, min, max, at: () => value, slope: () => 1 / layer.count };
}

/** `rne(fma(f32(sum), f32(1/n), zx))`, of every engine but qnnpack: the compiler contracts it. */
function nativeAdaptive({ output, loop }: Pick<PoolLayer, 'output' | 'loop'>, count: number): (sum: number) => number {
  if (loop === 'plain') return nativePlain(output, count);
  const inverse = f32(1 / count);
  return (sum) => clamp(roundHalfEven(fma(f32(sum), inverse, output.zeroPoint)), 0, 255);
}

function nativeGlobalAveragePool(lanes: number, layer: PoolLayer): StepFunctions {
  requireSameQuantization(layer);
  const [min, max] = activationRange(layer.output, false);
  const value = (layer.op === 'AveragePool' ? nativeAverage(lanes) : nativeAdaptive)(layer, layer.count);
  return { channels: 1, min, max, at: () => value, slope: () => f32(1 / layer.count) };
}

/** `rne(f32((a - za)(b - zb) * f32(f32(sa * sb) * f32(1/sy)))) + zy`, of every engine. */
export function multiply({ a, b, output, clamp: given }: MultiplyLayer): (x: number, y: number) => number {
  requireUint8(a, b);
  const [min, max] = given ?? activationRange(output, false);
  const scale = f32(f32(f32(a.scale) * f32(b.scale)) * f32(1 / f32(output.scale)));
  return (x, y) =>
    clamp(roundHalfEven(f32((x - a.zeroPoint) * (y - b.zeroPoint) * scale)) + output.zeroPoint, min, max);
}

/**
 * What fbgemm, onednn and x86 share, because it is PyTorch's own.
 *
 * @param lanes of vectors of int32: 16 with AVX-512, 8 without
 */
export function nativeKernels(
  { threads = 1 }: PyTorchOptions,
  lanes = WIDE,
): Omit<Engine, 'name' | 'description' | 'linear' | 'accumulation'> {
  if (!Number.isInteger(threads) || threads < 1)
    throw new InvalidInputError(`${kindOf(threads)} threads; supported: a positive whole number`);
  return {
    family: 'pytorch',
    threaded: true,
    add: nativeAdd(threads),
    multiply,
    unary: nativeUnary(isTail(threads)),
    averagePool: (layer) => nativeAveragePool(lanes, layer),
    reduce: nativeReduce,
    globalAveragePool: (layer) => nativeGlobalAveragePool(lanes, layer),
    quantize,
    dequantize,
  };
}
