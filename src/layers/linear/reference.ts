import type { ElementData } from '../../graph/graph.ts';
import type { OpContext, ReferenceResult } from '../operator.ts';
import type { Linear } from '../layer.ts';
import { rawWeights, weightZero, weightsPerChannel } from './weights.ts';

/** sum((x - zx) * (w - zw)) for every output, in NCHW. */
function accumulate(linear: Linear, x: ElementData): Int32Array {
  const { layer, input, output, weights, strides, dilations } = linear;
  const [kh, kw] = layer.kernel;
  const [padTop, padLeft] = layer.pads;
  const perGroup = layer.inputChannels / layer.groups;
  const outPerGroup = layer.outputChannels / layer.groups;
  const centred = Int32Array.from(x as Uint8Array, (v) => v - layer.input.zeroPoint);
  const plane = output.height * output.width;
  const accumulators = new Int32Array(output.batch * layer.outputChannels * plane);
  for (let n = 0; n < output.batch; n++)
    for (let o = 0; o < layer.outputChannels; o++) {
      const zero = weightZero(layer, o);
      const target = (n * layer.outputChannels + o) * plane;
      const firstChannel = Math.floor(o / outPerGroup) * perGroup;
      for (let c = 0; c < perGroup; c++) {
        const source = (n * layer.inputChannels + firstChannel + c) * input.height * input.width;
        for (let ky = 0; ky < kh; ky++)
          for (let kx = 0; kx < kw; kx++) {
            const w = weights[((o * perGroup + c) * kh + ky) * kw + kx]! - zero;
            if (w === 0) continue;
            for (let oy = 0; oy < output.height; oy++) {
              const iy = oy * strides[0] - padTop + ky * dilations[0];
              if (iy < 0 || iy >= input.height) continue;
              const row = source + iy * input.width;
              const out = target + oy * output.width;
              for (let ox = 0, ix = kx * dilations[1] - padLeft; ox < output.width; ox++, ix += strides[1])
                if (ix >= 0 && ix < input.width) accumulators[out + ox]! += w * centred[row + ix]!;
            }
          }
      }
    }
  return accumulators;
}

/** As accumulate, with pairs of raw products saturated to int16: pixel by pixel, as the definition reads. */
function accumulatePairs(linear: Linear, x: ElementData): Int32Array {
  const { layer, input, output, strides, dilations } = linear;
  const perGroup = layer.inputChannels / layer.groups;
  const outPerGroup = layer.outputChannels / layer.groups;
  const count = weightsPerChannel(linear);
  const zero = layer.input.zeroPoint;
  const raw = x as Uint8Array;
  const weights = Array.from({ length: layer.outputChannels }, (_, o) => rawWeights(linear, o));
  const sums = weights.map((w) => w.reduce((sum, v) => sum + v, 0));
  const plane = output.height * output.width;
  const accumulators = new Int32Array(output.batch * layer.outputChannels * plane);
  const window = new Int32Array(layer.groups * count);
  for (let n = 0; n < output.batch; n++)
    for (let p = 0; p < plane; p++) {
      const top = Math.floor(p / output.width) * strides[0] - layer.pads[0];
      const left = (p % output.width) * strides[1] - layer.pads[1];
      for (let k = 0; k < window.length; k++) {
        const [group, tap, c] = [Math.floor(k / count), Math.floor((k % count) / perGroup), k % perGroup];
        const iy = top + Math.floor(tap / layer.kernel[1]) * dilations[0];
        const ix = left + (tap % layer.kernel[1]) * dilations[1];
        const inside = iy >= 0 && iy < input.height && ix >= 0 && ix < input.width;
        const channel = n * layer.inputChannels + group * perGroup + c;
        window[k] = inside ? raw[(channel * input.height + iy) * input.width + ix]! : zero;
      }
      for (let o = 0; o < layer.outputChannels; o++) {
        const w = weights[o]!;
        const first = Math.floor(o / outPerGroup) * count;
        let sum = -zero * sums[o]!;
        for (let k = 0; k < count; k += 2) {
          const second = k + 1 < count ? window[first + k + 1]! * w[k + 1]! : 0;
          sum += Math.min(32767, Math.max(-32768, window[first + k]! * w[k]! + second));
        }
        accumulators[(n * layer.outputChannels + o) * plane + p] = sum;
      }
    }
  return accumulators;
}

/** The layer on the host, from the engine's own functions. */
export function referenceLinear(context: OpContext, linear: Linear, x: ElementData): ReferenceResult {
  const { layer, output } = linear;
  const exact = context.engine.accumulation(layer) === 'exact';
  const accumulators = exact ? accumulate(linear, x) : accumulatePairs(linear, x);
  const functions = context.engine.linear(layer);
  const plane = output.height * output.width;
  const data = layer.output.type === 'uint8' ? new Uint8Array(accumulators.length) : new Int8Array(accumulators.length);
  for (let o = 0; o < layer.outputChannels; o++) {
    const f = functions.at(o);
    for (let n = 0; n < output.batch; n++) {
      const from = (n * layer.outputChannels + o) * plane;
      for (let i = from; i < from + plane; i++) data[i] = f(accumulators[i]!);
    }
  }
  return { data, accumulators };
}
