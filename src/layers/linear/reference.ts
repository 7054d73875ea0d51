import type { Pairs, SumsLayer } from '../../engines/engine.ts';
import { f32 } from '../../engines/rounding.ts';
import type { ElementData } from '../../graph/graph.ts';
import type { OpContext, ReferenceResult } from '../operator.ts';
import type { Linear } from '../layer.ts';
import { hasBytes } from './linear.ts';
import { slotWeights, weightZero } from './weights.ts';

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

/** What becomes of the sum of a pair. */
export const narrow = (sum: number, overflow: Pairs['overflow']): number =>
  overflow === 'wraps' ? (sum << 16) >> 16 : sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;

/** What is subtracted from x before pairs are multiplied. */
export const pairOffset = ({ input }: SumsLayer, overflow: Pairs['overflow']): number =>
  overflow === 'wraps' && input.type === 'uint8' ? 128 : 0;

/** As accumulate, by pairs: pixel by pixel, as the definition reads. */
function accumulatePairs(linear: Linear, x: ElementData, pairs: Pairs): Int32Array {
  const { layer, input, output, strides, dilations } = linear;
  const { overflow, outside, rounds = false } = pairs;
  const perGroup = layer.inputChannels / layer.groups;
  const outPerGroup = layer.outputChannels / layer.groups;
  const offset = pairOffset(layer, overflow);
  const zero = layer.input.zeroPoint - offset;
  const { products: slots, weightsOf } = slotWeights(linear, pairs);
  const weights = Array.from({ length: layer.outputChannels }, (_, o) => weightsOf(o));
  const zeros = weights.map((w) => zero * w.reduce((sum, v) => sum + v, 0));
  const plane = output.height * output.width;
  const accumulators = new Int32Array(output.batch * layer.outputChannels * plane);
  const window = new Int32Array(layer.groups * slots.length);
  for (let n = 0; n < output.batch; n++)
    for (let p = 0; p < plane; p++) {
      const top = Math.floor(p / output.width) * strides[0] - layer.pads[0];
      const left = (p % output.width) * strides[1] - layer.pads[1];
      const absent: number[] = [];
      for (const [slot, product] of slots.entries()) {
        const [tap, c] = [Math.floor(product / perGroup), product % perGroup];
        const iy = top + Math.floor(tap / layer.kernel[1]) * dilations[0];
        const ix = left + (tap % layer.kernel[1]) * dilations[1];
        const isInside = iy >= 0 && iy < input.height && ix >= 0 && ix < input.width;
        if (!isInside && outside === 'nothing') absent.push(slot);
        for (let group = 0; group < layer.groups; group++) {
          const channel = n * layer.inputChannels + group * perGroup + c;
          const value = x[(channel * input.height + iy) * input.width + ix] as number;
          window[group * slots.length + slot] = isInside ? value - offset : outside === 'nothing' ? 0 : zero;
        }
      }
      for (let o = 0; o < layer.outputChannels; o++) {
        const w = weights[o]!;
        const first = Math.floor(o / outPerGroup) * slots.length;
        let sum = 0;
        for (let slot = 0; slot < w.length; slot += 2)
          sum += narrow(window[first + slot]! * w[slot]! + window[first + slot + 1]! * w[slot + 1]!, overflow);
        const zeroSum = absent.reduce((rest, slot) => rest - zero * w[slot]!, zeros[o]!);
        accumulators[(n * layer.outputChannels + o) * plane + p] = rounds ? f32(sum) - f32(zeroSum) : sum - zeroSum;
      }
    }
  return accumulators;
}

/** The layer on the host, from the engine's own functions. */
export function referenceLinear(context: OpContext, linear: Linear, x: ElementData): ReferenceResult {
  const { layer, output } = linear;
  const accumulation = context.engine.accumulation(layer);
  const accumulators = accumulation === 'exact' ? accumulate(linear, x) : accumulatePairs(linear, x, accumulation);
  if (!hasBytes(layer)) return { data: accumulators };
  const functions = context.engine.linear(layer);
  const { tail } = functions;
  const plane = output.height * output.width;
  const data = layer.output.type === 'uint8' ? new Uint8Array(accumulators.length) : new Int8Array(accumulators.length);
  for (let o = 0; o < layer.outputChannels; o++) {
    const f = functions.at(o);
    for (let n = 0; n < output.batch; n++) {
      const from = (n * layer.outputChannels + o) * plane;
      for (let i = from; i < from + plane; i++) data[i] = f(accumulators[i]!);
      if (!tail) continue;
      const behind = tail.values.at(o);
      // its pixels are counted over all images, channels last
      for (let i = 0; i < plane; i++)
        if ((n * plane + i) * layer.outputChannels + o >= tail.first) data[from + i] = behind(accumulators[from + i]!);
    }
  }
  return { data, accumulators };
}
