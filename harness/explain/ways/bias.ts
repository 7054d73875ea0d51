import { fma } from '../../../src/engines/float32.ts';
import { quantizedBias } from '../../../src/engines/qnnpack.ts';
import { clamp, f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { LinearLayer } from '../../../src/engines/engine.ts';
import type { Choice } from '../problem.ts';

/** How a bias joins the sum of one channel; each step is the identity where it is left out. */
export interface BiasSteps {
  /** From accumulator to sum, in units of the accumulator. */
  readonly before?: (accumulator: number) => number;
  /** Added to the dequantized value, in real units. */
  readonly real?: number;
  /** Added behind the scale, in units of the output. */
  readonly after?: number;
}

export interface BiasChoice extends Choice {
  /** @param inputScale which may not be the model's */
  readonly of: (layer: LinearLayer, inputScale: number) => (channel: number) => BiasSteps;
}

const kind = 'bias';

const scaleOf = ({ weightScale }: LinearLayer, channel: number): number =>
  weightScale[weightScale.length === 1 ? 0 : channel]!;

/** The bias as the file has it in real units. */
function realBias(layer: LinearLayer, channel: number): number {
  const { bias, input } = layer;
  if (!bias) return 0;
  return bias instanceof Float32Array
    ? bias[channel]!
    : f32(bias[channel]! * f32(input.scale * scaleOf(layer, channel)));
}

/** The int32 bias: the file's own, or the float divided by the scale of the sum. */
function integerBias(layer: LinearLayer, channel: number, inputScale: number, round = roundHalfEven): number {
  const { bias } = layer;
  if (bias instanceof Int32Array) return bias[channel]!;
  return round(f32(realBias(layer, channel) / f32(inputScale * scaleOf(layer, channel))));
}

const added = (bias: number): BiasSteps => ({ before: (accumulator) => accumulator + bias });

/** A bias that is one integer in units of the accumulator. */
function integer(
  id: string,
  detail: string,
  value: (layer: LinearLayer, channel: number, inputScale: number) => number,
): BiasChoice {
  return { id, kind, detail, of: (layer, scale) => (channel) => added(value(layer, channel, scale)) };
}

const meanScale = ({ weightScale }: LinearLayer): number =>
  Array.from(weightScale).reduce((sum, s) => sum + s, 0) / weightScale.length;

/** Every way but those that come to the same in this layer. */
export function biasChoices(layer: LinearLayer): BiasChoice[] {
  const isFloat = layer.bias instanceof Float32Array;
  const perChannel = layer.weightScale.length > 1;
  const quantized = (round: (v: number) => number) => (layer: LinearLayer, channel: number, scale: number) =>
    integerBias(layer, channel, scale, round);
  const wrongly =
    (scale: (layer: LinearLayer, channel: number, inputScale: number) => number) =>
    (layer: LinearLayer, channel: number, inputScale: number) =>
      roundHalfEven(realBias(layer, channel) / scale(layer, channel, inputScale));
  const limited = (limit: (v: number) => number) => (layer: LinearLayer, channel: number, scale: number) =>
    limit(integerBias(layer, channel, scale));

  const always: BiasChoice[] = [
    integer('int32', 'the bias is int32, rounded to nearest', quantized(roundHalfEven)),
    integer(
      'int32-reciprocal',
      'the bias is int32, by the reciprocal of the scale of the sum',
      (layer, channel, scale) => quantizedBias(realBias(layer, channel), f32(scale * scaleOf(layer, channel))),
    ),
    {
      id: 'float64',
      kind,
      detail: 'the bias is added in float64, not rounded',
      of: (layer, inputScale) => (channel) => added(realBias(layer, channel) / (inputScale * scaleOf(layer, channel))),
    },
    {
      id: 'float32',
      kind,
      detail: 'the bias is a float32, divided by the scale of the sum',
      of: (layer, inputScale) => (channel) => {
        const quotient = f32(realBias(layer, channel) / f32(inputScale * scaleOf(layer, channel)));
        return { before: (accumulator) => f32(f32(accumulator) + quotient) };
      },
    },
    {
      id: 'float32-fma',
      kind,
      detail: 'the bias is a float32, by a fused multiply-add with the inverse of the scale of the sum',
      of: (layer, inputScale) => (channel) => {
        const bias = realBias(layer, channel);
        const inverse = f32(1 / f32(inputScale * scaleOf(layer, channel)));
        return { before: (accumulator) => fma(bias, inverse, f32(accumulator)) };
      },
    },
    {
      id: 'real',
      kind,
      detail: 'the bias is added to the dequantized float32 value',
      of: (layer) => (channel) => ({ real: realBias(layer, channel) }),
    },
  ];
  if (!layer.bias || layer.bias.every((b) => b === 0)) return always;
  const floats: BiasChoice[] = [
    integer('truncated', 'the bias is int32, truncated toward zero', quantized(Math.trunc)),
    integer('floor', 'the bias is int32, rounded down', quantized(Math.floor)),
  ];
  return [
    ...always,
    { id: 'dropped', kind, detail: 'the bias is left out', of: () => () => ({}) },
    ...(isFloat ? floats : []),
    integer(
      'int16',
      'the bias is saturated to int16',
      limited((b) => clamp(b, -32768, 32767)),
    ),
    integer(
      'int16-wrapped',
      'the bias is cut to 16 bits',
      limited((b) => (b << 16) >> 16),
    ),
    integer(
      'int8',
      'the bias is saturated to int8',
      limited((b) => clamp(b, -128, 127)),
    ),
    {
      id: 'output-units',
      kind,
      detail: 'the bias is rounded to whole units of the output, and added behind the scale',
      of: (layer) => (channel) => ({ after: roundHalfEven(realBias(layer, channel) / layer.output.scale) }),
    },
    integer('scale-weight', "the bias is quantized with the weight's scale alone", wrongly(scaleOf)),
    integer(
      'scale-input',
      "the bias is quantized with the input's scale alone",
      wrongly((_l, _c, input) => input),
    ),
    integer(
      'scale-output',
      "the bias is quantized with the output's scale",
      wrongly(({ output }) => output.scale),
    ),
    ...(perChannel
      ? [
          integer(
            'scale-first',
            "the bias is quantized with the first channel's scale",
            wrongly((layer, _c, input) => input * layer.weightScale[0]!),
          ),
          integer(
            'scale-mean',
            'the bias is quantized with the mean of the scales',
            wrongly((layer, _c, input) => input * meanScale(layer)),
          ),
        ]
      : []),
    integer('negated', 'the bias is subtracted', (layer, channel, scale) => -integerBias(layer, channel, scale)),
    integer('twice', 'the bias is added twice', (layer, channel, scale) => 2 * integerBias(layer, channel, scale)),
    integer('next-channel', "every channel has its neighbour's bias", (layer, channel, scale) =>
      integerBias(layer, (channel + 1) % layer.outputChannels, scale),
    ),
  ];
}
