// An engine of one's own: like qnnpack, but convolutions and linear layers drop the fraction instead of rounding,
// in double precision. In a project of yours, import from 'exact8'.
import { findEngine, type Engine } from '../../src/index.ts';

const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);

export const truncating: Engine = {
  ...findEngine('qnnpack'),
  name: 'truncating',
  description: 'as qnnpack, but convolutions truncate',
  linear(layer) {
    const { input, output, weightScale, bias, relu } = layer;
    const min = relu ? output.zeroPoint : 0;
    const max = 255;
    const scale = (channel: number): number =>
      (input.scale * weightScale[weightScale.length === 1 ? 0 : channel]!) / output.scale;
    return {
      channels: layer.outputChannels,
      min,
      max,
      slope: scale,
      at(channel) {
        const s = scale(channel);
        const b = (bias?.[channel] ?? 0) / output.scale;
        return (accumulator) => clamp(Math.floor(accumulator * s + b) + output.zeroPoint, min, max);
      },
    };
  },
};
