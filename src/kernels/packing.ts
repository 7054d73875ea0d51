import type { Pairs } from '../engines/engine.ts';
import { BLANK } from '../engines/pairs.ts';
import type { Linear } from '../layers/layer.ts';
import { pairOffset } from '../layers/linear/reference.ts';
import { slotWeights, weightZero } from '../layers/linear/weights.ts';

/** The input signed for dot4I8Packed (u8 bytes with their top bit flipped), and the weights likewise. */
export function signedZeroPoint(type: 'uint8' | 'int8', zeroPoint: number): number {
  return type === 'uint8' ? zeroPoint - 128 : zeroPoint;
}

export const repeatByte = (byte: number): number => ((byte & 0xff) * 0x01010101) >>> 0;

/** A word of four input zero points, signed. */
export const paddingWord = ({ layer }: Linear): number =>
  repeatByte(signedZeroPoint(layer.input.type, layer.input.zeroPoint));

/**
 * Weights for the dot product of words: [ky][kx][word of the group's input channels][group of 4 outputs][lane],
 * four input channels a word. Lanes of channels that do not exist hold the zero point, and so add nothing.
 */
export function packDotWeights(linear: Linear): Uint32Array {
  const { layer, weights, output } = linear;
  const perGroup = layer.inputChannels / layer.groups;
  const words = Math.ceil(perGroup / 4);
  const taps = layer.kernel[0] * layer.kernel[1];
  const flip = linear.weightSigned ? 0 : 128;
  const packed = new Uint32Array(taps * words * output.groups * 4);
  const bytes = new Uint8Array(packed.buffer);
  for (let o = 0; o < output.groups * 4; o++) {
    const zero = o < layer.outputChannels ? weightZero(layer, o) : 0;
    for (let tap = 0; tap < taps; tap++)
      for (let c = 0; c < words * 4; c++) {
        const exists = o < layer.outputChannels && c < perGroup;
        const w = exists ? weights[(o * perGroup + c) * taps + tap]! : zero;
        bytes[(((tap * words + (c >> 2)) * output.groups + (o >> 2)) * 4 + (o & 3)) * 4 + (c & 3)] = w ^ flip;
      }
  }
  return packed;
}

/**
 * What turns sum(x' * w') of signed bytes into sum((x - zx) * (w - zw)): for each group of 4 channels
 * [-zx' * sum(w') + k * zx' * zw'] and [zw'], the latter to be multiplied with sum(x').
 */
export function dotCorrections(linear: Linear): { corrections: Int32Array; weightZero: boolean } {
  const { layer, output, weights } = linear;
  const corrections = new Int32Array(output.groups * 8);
  const zx = signedZeroPoint(layer.input.type, layer.input.zeroPoint);
  const perGroup = layer.inputChannels / layer.groups;
  const taps = layer.kernel[0] * layer.kernel[1];
  const count = perGroup * taps;
  const padded = Math.ceil(perGroup / 4) * 4 * taps;
  let anyZero = false;
  for (let o = 0; o < layer.outputChannels; o++) {
    const zw = signedZeroPoint(linear.weightSigned ? 'int8' : 'uint8', weightZero(layer, o));
    let sum = (padded - count) * zw;
    for (let k = o * count; k < (o + 1) * count; k++)
      sum += signedZeroPoint(linear.weightSigned ? 'int8' : 'uint8', weights[k]!);
    const at = (o >> 2) * 8 + (o & 3);
    corrections[at] = -zx * sum + padded * zx * zw;
    corrections[at + 4] = zw;
    anyZero ||= zw !== 0;
  }
  return { corrections, weightZero: anyZero };
}

/** Weights minus their zero points as int32, [tap][channel padded to 4]: for depthwise kernels. */
export function packDepthwiseWeights({ layer, weights, output }: Linear): Int32Array {
  const taps = layer.kernel[0] * layer.kernel[1];
  const packed = new Int32Array(taps * output.groups * 4);
  for (let o = 0; o < layer.outputChannels; o++)
    for (let tap = 0; tap < taps; tap++)
      packed[tap * output.groups * 4 + o] = weights[o * taps + tap]! - weightZero(layer, o);
  return packed;
}

/** Weights minus their zero points as int32, [output channel][tap][input channel of the group]. */
export function packGroupedWeights(linear: Linear): Int32Array {
  const { layer, weights } = linear;
  const perGroup = layer.inputChannels / layer.groups;
  const taps = layer.kernel[0] * layer.kernel[1];
  const packed = new Int32Array(layer.outputChannels * taps * perGroup);
  for (let o = 0; o < layer.outputChannels; o++)
    for (let c = 0; c < perGroup; c++)
      for (let tap = 0; tap < taps; tap++)
        packed[(o * taps + tap) * perGroup + c] = weights[(o * perGroup + c) * taps + tap]! - weightZero(layer, o);
  return packed;
}

/**
 * For conv_pairs: weights [slot][output padded to 4]; -zx * sum(w) a channel, then a tap and a channel; and
 * [ky, kx, channel of the group, 0] a slot. The slots are those for zero points of weights, too.
 */
export function packPairs(
  linear: Linear,
  pairs: Pairs,
): Record<'weights' | 'corrections' | 'places' | 'slots', Int32Array> {
  const { layer, output } = linear;
  const { products: slots, weightsOf } = slotWeights(linear, pairs);
  const perGroup = layer.inputChannels / layer.groups;
  const [kh, kw] = layer.kernel;
  const stride = output.groups * 4;
  const weights = new Int32Array(slots.length * stride);
  const corrections = new Int32Array((1 + kh * kw) * stride);
  const places = new Int32Array(slots.length * 4);
  const zero = layer.input.zeroPoint - pairOffset(layer, pairs.overflow);
  const own = Array.from({ length: layer.outputChannels }, (_, o) => weightsOf(o));
  for (const [slot, product] of slots.entries()) {
    if (product === BLANK) continue;
    const tap = Math.floor(product / perGroup);
    places.set([Math.floor(tap / kw), tap % kw, product % perGroup], slot * 4);
    for (const [o, w] of own.entries()) {
      weights[slot * stride + o] = w[slot]!;
      for (const row of [0, 1 + tap]) corrections[row * stride + o]! -= zero * w[slot]!;
    }
  }
  return { weights, corrections, places, slots };
}
