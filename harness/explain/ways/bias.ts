import { fma } from '../../../src/engines/float32.ts';
import { quantizedBias } from '../../../src/engines/qnnpack.ts';
import { clamp, f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { LinearLayer } from '../../../src/engines/engine.ts';
import { ofChannel } from '../../../src/graph/graph.ts';
import { waysOf, type Choice } from '../problem.ts';

/** How a bias joins the sum of one channel; each step is the identity where it is left out. */
interface BiasSteps {
  /** From accumulator to sum, in units of the accumulator. */
  readonly before?: (accumulator: number) => number;
  /** Added to the dequantized value, in real units. */
  readonly real?: number;
  /** Added behind the scale, in units of the output. */
  readonly after?: number;
}

/** One channel of a layer, whose input may have another scale than the model's. */
interface Channel {
  readonly layer: LinearLayer;
  readonly channel: number;
  readonly inputScale: number;
}

interface BiasChoice extends Choice {
  readonly of: (channel: Channel) => BiasSteps;
}

const way = waysOf('bias');

const weightScale = ({ layer, channel }: Channel): number => ofChannel(layer.weightScale, channel);
const unitOf = (at: Channel): number => at.inputScale * weightScale(at);

/** The bias as the file has it in real units. */
function realBias(at: Channel): number {
  const { bias, input } = at.layer;
  if (!bias) return 0;
  const value = bias[at.channel]!;
  return bias instanceof Float32Array ? value : f32(value * f32(input.scale * weightScale(at)));
}

/** The int32 bias: the file's own, or the float divided by the scale of the sum. */
function integerBias(at: Channel, round = roundHalfEven): number {
  const { bias } = at.layer;
  return bias instanceof Int32Array ? bias[at.channel]! : round(f32(realBias(at) / f32(unitOf(at))));
}

export const added = (bias: number): BiasSteps => ({ before: (accumulator) => accumulator + bias });

/** A bias that is one number in units of the accumulator. */
const number = (id: string, detail: string, value: (at: Channel) => number): BiasChoice =>
  way(id, detail, { of: (at: Channel) => added(value(at)) });

/** Quantized with another scale than that of the sum. */
const wrongly = (id: string, whose: string, scale: (at: Channel) => number): BiasChoice =>
  number(id, `the bias is quantized with ${whose}`, (at) => roundHalfEven(realBias(at) / scale(at)));

const meanScale = ({ weightScale }: LinearLayer): number =>
  Array.from(weightScale).reduce((sum, s) => sum + s, 0) / weightScale.length;

const ALWAYS: readonly BiasChoice[] = [
  number('int32', 'the bias is int32, rounded to nearest', (at) => integerBias(at)),
  number('int32-reciprocal', 'the bias is int32, by the reciprocal of the scale of the sum', (at) =>
    quantizedBias(realBias(at), f32(unitOf(at))),
  ),
  number('float64', 'the bias is added in float64, not rounded', (at) => realBias(at) / unitOf(at)),
  way('float32', 'the bias is a float32, divided by the scale of the sum', {
    of(at: Channel) {
      const quotient = f32(realBias(at) / f32(unitOf(at)));
      return { before: (accumulator: number) => f32(f32(accumulator) + quotient) };
    },
  }),
  way('float32-fma', 'the bias is a float32, by a fused multiply-add with the inverse of the scale of the sum', {
    of(at: Channel) {
      const [bias, inverse] = [realBias(at), f32(1 / f32(unitOf(at)))];
      return { before: (accumulator: number) => fma(bias, inverse, f32(accumulator)) };
    },
  }),
  way('real', 'the bias is added to the dequantized float32 value', { of: (at: Channel) => ({ real: realBias(at) }) }),
];

const OF_FLOATS: readonly BiasChoice[] = [
  number('truncated', 'the bias is int32, truncated toward zero', (at) => integerBias(at, Math.trunc)),
  number('floor', 'the bias is int32, rounded down', (at) => integerBias(at, Math.floor)),
];

const PER_CHANNEL: readonly BiasChoice[] = [
  wrongly('scale-first', "the first channel's scale", ({ layer, inputScale }) => inputScale * layer.weightScale[0]!),
  wrongly('scale-mean', 'the mean of the scales', ({ layer, inputScale }) => inputScale * meanScale(layer)),
];

/** Every way but those that come to the same in this layer. */
export function biasChoices({ bias, weightScale: scales }: LinearLayer): BiasChoice[] {
  if (!bias || bias.every((b) => b === 0)) return [...ALWAYS];
  return [
    ...ALWAYS,
    way('dropped', 'the bias is left out', { of: () => ({}) }),
    ...(bias instanceof Float32Array ? OF_FLOATS : []),
    number('int16', 'the bias is saturated to int16', (at) => clamp(integerBias(at), -32768, 32767)),
    number('int16-wrapped', 'the bias is cut to 16 bits', (at) => (integerBias(at) << 16) >> 16),
    number('int8', 'the bias is saturated to int8', (at) => clamp(integerBias(at), -128, 127)),
    way('output-units', 'the bias is rounded to whole units of the output, and added behind the scale', {
      of: (at: Channel) => ({ after: roundHalfEven(realBias(at) / at.layer.output.scale) }),
    }),
    wrongly('scale-weight', "the weight's scale alone", weightScale),
    wrongly('scale-input', "the input's scale alone", ({ inputScale }) => inputScale),
    wrongly('scale-output', "the output's scale", ({ layer }) => layer.output.scale),
    ...(scales.length > 1 ? PER_CHANNEL : []),
    number('negated', 'the bias is subtracted', (at) => -integerBias(at)),
    number('twice', 'the bias is added twice', (at) => 2 * integerBias(at)),
    number('next-channel', "every channel has its neighbour's bias", (at) =>
      integerBias({ ...at, channel: (at.channel + 1) % at.layer.outputChannels }),
    ),
  ];
}
