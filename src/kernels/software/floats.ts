import { byteRange } from '../../graph/graph.ts';
import { kindOf } from '../../layers/linear/geometry.ts';
import type { Linear } from '../../layers/layer.ts';
import { sumsOf, weightZero, weightsPerChannel } from '../../layers/linear/weights.ts';

/**
 * For kernels that sum in f32 lanes (shared/byte_lanes): codes (0 to 255 from the smallest value on) of
 * inputs and weights, of which the fourth byte of a word is a code less 128.
 */

/** Sums of integers below this are exact in f32, in any order and however they are rounded. */
const EXACT = 2 ** 24;

const inputZero = ({ layer }: Linear): number => layer.input.zeroPoint - byteRange(layer.input.type)[0];
export const weightMin = ({ weightSigned }: Linear): number => (weightSigned ? -128 : 0);

/** What an input word is XORed with: bytes become codes, the fourth one less 128. */
export function inputFlip({ layer }: Linear): number {
  return layer.input.type === 'uint8' ? 0x80000000 : 0x00808080;
}

/** A word of four input zero points, as the kernels see it. */
export function paddingWord(linear: Linear): number {
  return ((inputZero(linear) * 0x01010101) ^ 0x80000000) >>> 0;
}

const STARTS = new WeakMap<Linear, { readonly starts: Float32Array | undefined }>();

/**
 * What the sums start from, so that they end as sum((x - zx) * (w - zw)): -sum(zx' * (w - zw)), with zx'
 * less 128 in fourth bytes. Undefined where a channel's partial sums can reach 2^24. Computed once a layer.
 */
export function startingSums(linear: Linear): Float32Array | undefined {
  const known = STARTS.get(linear);
  if (known) return known.starts;
  const starts = computeStartingSums(linear);
  STARTS.set(linear, { starts });
  return starts;
}

function computeStartingSums(linear: Linear): Float32Array | undefined {
  const { layer, weights, output } = linear;
  const taps = layer.kernel[0] * layer.kernel[1];
  const count = weightsPerChannel(linear);
  const depthwise = kindOf(linear) === 'depthwise';
  const starts = new Float32Array(output.groups * 4);
  for (let o = 0, at = 0; o < layer.outputChannels; o++, at += count) {
    const zero = weightZero(layer, o);
    const { sum, absolute } = sumsOf(weights, zero, at, at + count);
    let fourths = 0;
    // a depthwise channel is its output's
    if (depthwise) fourths = (o & 3) === 3 ? sum : 0;
    else for (let k = at + 3 * taps; k < at + count; k += 4 * taps) fourths += sumsOf(weights, zero, k, k + taps).sum;
    const start = 128 * fourths - inputZero(linear) * sum;
    if (Math.abs(start) + 255 * absolute >= EXACT) return undefined;
    starts[o] = start;
  }
  return starts;
}

/** For lanes and lanes_chunked: [group of 4 outputs] of their starting sums and of their weights' zero codes. */
export function laneCorrections(linear: Linear, starts: Float32Array): Uint32Array {
  const { layer, output } = linear;
  const packed = new Float32Array(output.groups * 8);
  for (let o = 0; o < layer.outputChannels; o++) {
    const at = (o >> 2) * 8 + (o & 3);
    packed[at] = starts[o]!;
    packed[at + 4] = weightZero(layer, o) - weightMin(linear);
  }
  return new Uint32Array(packed.buffer);
}

/**
 * For lanes and lanes_chunked: [chunk of words][group of 4 outputs][word][output] of four codes, the fourth
 * one's top bit flipped; words and channels that do not exist hold the zero point, and so add nothing.
 */
export function packLaneWeights(linear: Linear, words: number, chunkWords: number): Uint32Array {
  const { layer, weights, input, output } = linear;
  const taps = layer.kernel[0] * layer.kernel[1];
  const channels = layer.inputChannels;
  const chunks = Math.ceil(words / chunkWords);
  const packed = new Uint32Array(chunks * output.groups * chunkWords * 4);
  const min = weightMin(linear);
  for (let o = 0; o < output.groups * 4; o++) {
    const group = o >> 2;
    const end = o < layer.outputChannels ? channels : 0;
    const zero = end > 0 ? weightZero(layer, o) - min : 0;
    let [tap, channel] = [0, 0];
    for (let chunk = 0; chunk < chunks; chunk++) {
      const row = (chunk * output.groups + group) * chunkWords;
      for (let word = 0; word < chunkWords; word++) {
        let codes = 0x80000000;
        const last = tap < taps ? end : 0;
        for (let j = 0; j < 4; j++) {
          const c = channel + j;
          codes ^= (c < last ? weights[(o * channels + c) * taps + tap]! - min : zero) << (8 * j);
        }
        // the four lanes of a quad have their words in other orders: shared/lanes_subgroup
        packed[(row + (word ^ (group & 3))) * 4 + (o & 3)] = codes;
        channel += 4;
        if (channel < 4 * input.groups) continue;
        channel = 0;
        tap++;
      }
    }
  }
  return packed;
}
