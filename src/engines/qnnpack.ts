import { UnsupportedModelError } from '../errors.ts';
import {
  activationRange,
  channelsOf,
  dequantize,
  isTail,
  multiply,
  quantize,
  requireSameQuantization,
  requireUint8,
} from './pytorch.ts';
import { qnnpackUnary } from './pytorch_unary.ts';
import { exponentOf } from './fixed_point.ts';
import { FloatLines } from './float_lines.ts';
import { EVERY_PROCESSOR } from './origin.ts';
import { clamp, f32, INT32_END, roundHalfEven } from './rounding.ts';
import type {
  AddFunctions,
  AddLayer,
  AveragePoolFunctions,
  AveragePoolLayer,
  FloatLine,
  LinearLayer,
  PoolLayer,
  Engine,
  StepFunctions,
  TensorQuantization,
} from './engine.ts';

/**
 * Convolution and linear layer: an int32 bias, one float32 scale, ties to even. The bias is quantized by the reciprocal of
 * the product of both scales, a product of doubles; the scale is made of float32 values.
 */
function linear(layer: LinearLayer): StepFunctions {
  const { input, output } = layer;
  const inverse = f32(1 / f32(output.scale));
  const { weightScale, realBias } = channelsOf(layer);
  const line = (channel: number): Omit<FloatLine, 'least' | 'most'> => ({
    bias: quantizedBias(realBias(channel), f32(input.scale * weightScale(channel))),
    scale: f32(f32(f32(weightScale(channel)) * f32(input.scale)) * inverse),
    zeroPoint: output.zeroPoint,
  });
  return new FloatLines(layer.outputChannels, activationRange(output, layer.relu), line, INT32_END);
}

/** PyTorch's quantize to int32: by the reciprocal, saturated. */
export function quantizedBias(bias: number, scale: number): number {
  return clamp(roundHalfEven(f32(bias * f32(1 / scale))), -INT32_END, INT32_END - 1);
}

/** Multipliers of 22 bits, of which one uses all, and the shift behind them. */
export interface FixedPoint {
  readonly multipliers: readonly [a: number, b: number];
  readonly shift: number;
}

/**
 * The ratios of input to output scale as QNNPACK's add has them; undefined where it takes them not: each is in [2^-14, 2^8),
 * and the larger at least 2^-10, for its shift is defined below 32.
 */
export function fixedPoint(a: number, b: number): FixedPoint | undefined {
  const [least, largest] = [Math.min(a, b), Math.max(a, b)];
  if (least < 2 ** -14 || largest < 2 ** -10 || largest >= 2 ** 8) return undefined;
  const shift = 21 - exponentOf(largest);
  return { multipliers: [roundHalfEven(a * 2 ** shift), roundHalfEven(b * 2 ** shift)], shift };
}

/** Integer multiplies and one rounding shift, half away from zero, between the bounds of an activation. */
export function integerAdd(
  { a, b, output }: Omit<AddLayer, 'relu'>,
  { multipliers: [multiplierA, multiplierB], shift }: FixedPoint,
  [min, max]: readonly [number, number],
): AddFunctions['body'] {
  const mask = 2 ** shift - 1;
  const half = Math.floor(mask / 2);
  // the sum is below 2 * 255 * 2^22 in magnitude: an int32
  return (x, y) => {
    const sum = (x - a.zeroPoint) * multiplierA + (y - b.zeroPoint) * multiplierB;
    const roundUp = (sum & mask) - Number(sum < 0) > half;
    return clamp((sum >> shift) + Number(roundUp) + output.zeroPoint, min, max);
  };
}

function add(layer: AddLayer): AddFunctions {
  const { a, b, output, relu } = layer;
  requireUint8(a, b);
  const [min, max] = activationRange(output, relu);
  if (min === max)
    throw new UnsupportedModelError(
      `an add whose ReLU leaves the value ${max} alone; supported by qnnpack: output zero points below 255`,
    );
  const ratios = [f32(f32(a.scale) / f32(output.scale)), f32(f32(b.scale) / f32(output.scale))] as const;
  const numbers = fixedPoint(...ratios);
  if (!numbers)
    throw new UnsupportedModelError(
      `an add with ratios ${ratios.join(' and ')} of input to output scale; ` +
        'supported by qnnpack: from 2^-14, the larger from 2^-10 and below 2^8',
    );
  return { body: integerAdd(layer, numbers, [min, max]) };
}

const averageScale = ({ scale }: TensorQuantization, count: number): number =>
  f32(f32(scale) / f32(f32(scale) * count));

function averagePool(layer: AveragePoolLayer): AveragePoolFunctions {
  requireSameQuantization(layer);
  const { input, output } = layer;
  return {
    value: (q) => q - input.zeroPoint,
    countsPads: true,
    output(count) {
      const scale = averageScale(input, count);
      return (sum) => clamp(roundHalfEven(f32(sum * scale)) + output.zeroPoint, 0, 255);
    },
  };
}

/** Of means over height and width, too. */
function globalAveragePool(layer: PoolLayer): StepFunctions {
  requireSameQuantization(layer);
  const { input, output, count } = layer;
  const scale = averageScale(input, count);
  return new FloatLines(1, activationRange(output, false), () => ({ bias: 0, scale, zeroPoint: output.zeroPoint }));
}

/** PyTorch's engine for phones, which torchvision's pretrained quantized MobileNetV2 selects. The same bits on x86. */
export const qnnpack: Engine = {
  name: 'qnnpack',
  description: 'PyTorch qnnpack: int32 bias, float32 scale, ties to even',
  family: 'pytorch',
  origins: [{ runtime: 'pytorch-qnnpack', processors: EVERY_PROCESSOR }],
  recipe: 'qnnpack',
  linear,
  accumulation: () => 'exact',
  add,
  multiply,
  unary: qnnpackUnary(isTail(1)),
  averagePool,
  globalAveragePool,
  reduce: (layer) => (layer.op === 'ReduceMean' ? globalAveragePool(layer) : undefined),
  quantize,
  dequantize,
};
