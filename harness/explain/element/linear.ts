import { ofChannel } from '../../../src/graph/graph.ts';
import type { Definition } from '../../../src/layers/definition.ts';
import type { ByteLinear } from '../../../src/layers/layer.ts';
import { reachable } from '../../../src/layers/linear/linear.ts';
import { effectiveSums } from '../../../src/layers/linear/overflow.ts';
import { FloatLines } from '../../../src/engines/float_lines.ts';
import { f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { exactly, exactOf, fixedPoint, float32 } from './exact.ts';
import type { Details, Question } from './question.ts';
import { distinct, summedElement, type Summed, type Tap } from './summed.ts';

/** A bias in all its forms: an int32 one stands for a multiple of sx * sw. */
function biasOf({ layer }: ByteLinear, channel: number, engine: Engine): Summed['bias'] {
  if (!layer.bias) return undefined;
  const weightScale = ofChannel(layer.weightScale, channel);
  const unit = exactly(layer.input.scale).mul(exactly(weightScale));
  const stored = exactly(layer.bias[channel]!);
  const inOutput = exactly(layer.output.scale);
  const value = layer.bias[channel]!;
  if (layer.bias instanceof Int32Array)
    return {
      bias: { stored: { type: 'int32', value }, accumulatorUnits: exactOf(stored), int32: value },
      value: unit.mul(stored).div(inOutput),
    };
  // the engine's own, where it has one
  const functions = engine.linear(layer);
  const int32 =
    functions instanceof FloatLines
      ? functions.line(channel).bias
      : roundHalfEven(f32(value / f32(layer.input.scale * weightScale)));
  return {
    bias: { stored: { type: 'float32', ...float32(value) }, accumulatorUnits: exactOf(stored.div(unit)), int32 },
    value: stored.div(inOutput),
  };
}

/** The taps of one output in the order kernel row, kernel column, channel of the group. */
function windowTaps(linear: ByteLinear, { n, c: output, y, x }: Question['at']): Tap[] {
  const { layer, input, weights, strides, dilations } = linear;
  const [kh, kw] = layer.kernel;
  const perGroup = layer.inputChannels / layer.groups;
  const firstChannel = Math.floor(output / (layer.outputChannels / layer.groups)) * perGroup;
  const taps: Tap[] = [];
  for (let ky = 0; ky < kh; ky++)
    for (let kx = 0; kx < kw; kx++) {
      const row = y * strides[0] - layer.pads[0] + ky * dilations[0];
      const column = x * strides[1] - layer.pads[1] + kx * dilations[1];
      const padding = row < 0 || row >= input.height || column < 0 || column >= input.width;
      for (let k = 0; k < perGroup; k++) {
        const channel = firstChannel + k;
        const weight = weights[((output * perGroup + k) * kh + ky) * kw + kx]!;
        const from = ((n * layer.inputChannels + channel) * input.height + row) * input.width + column;
        taps.push({ at: [channel, row, column], padding, weight, ...(padding ? {} : { from }) });
      }
    }
  return taps;
}

/** An element of a convolution or a fully connected layer. */
export function linearElement({ linear }: Definition<'linear'>, question: Question): Details {
  const { node, context, at } = question;
  const { layer } = linear;
  const { input, output } = layer;
  const weightScale = ofChannel(layer.weightScale, at.c);
  const zero = { input: input.zeroPoint, weight: ofChannel(layer.weightZeroPoint, at.c) };
  const ratio = exactly(input.scale).mul(exactly(weightScale)).div(exactly(output.scale));
  const product = f32(input.scale * weightScale);
  const { lo, hi } = reachable(node, linear, effectiveSums(node, context, linear));
  const bias = biasOf(linear, at.c, context.engine);
  return summedElement(question, {
    taps: windowTaps(linear, at),
    zero,
    output,
    ratio,
    scale: {
      input: float32(input.scale),
      weight: float32(weightScale),
      output: float32(output.scale),
      exact: exactOf(ratio),
      float32: distinct([
        [f32(product / output.scale), 'f32(f32(sx * sw) / sy)'],
        [f32(product * f32(1 / output.scale)), 'f32(f32(sx * sw) * f32(1 / sy))'],
      ]),
      fixedPoint: fixedPoint(ratio),
    },
    ...(bias && { bias }),
    range: [lo[at.c]!, hi[at.c]!],
    accumulation(engine) {
      const { accumulation } = effectiveSums(node, { ...context, engine }, linear);
      return accumulation === 'exact' ? 'exact' : { layer, pairs: accumulation };
    },
    functions: (engine) => engine.linear(layer),
  });
}
