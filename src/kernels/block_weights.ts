import type { Block } from '../join/joined.ts';
import type { Linear } from '../layers/layer.ts';
import { codeGeometry } from './geometry.ts';
import { dotCorrections, packDepthwiseWeights, packDotWeights } from './packing.ts';

/** [offset], and [zero point of the weights] only where there is one, for each group of four channels. */
function shortCorrections(linear: Linear): Int32Array {
  const { corrections, weightZero } = dotCorrections(linear);
  return weightZero ? corrections : corrections.filter((_, i) => i % 8 < 4);
}

/**
 * Filters as signed bytes, a word for the four channels of a tap: [group][tap], padded to whole vec4s. Weights less
 * their zero points may not fit into a byte; then each channel has an offset, which is added to all of its bytes.
 */
function packFilters(depthwise: Linear): { words: Uint32Array; corrections: Int32Array; offsets: boolean } {
  const weights = packDepthwiseWeights(depthwise);
  const { groups } = depthwise.output;
  const zero = codeGeometry(depthwise).input_zero;
  const channels = groups * 4;
  const taps = weights.length / channels;
  const offsets = Int32Array.from({ length: channels }, (_, c) => {
    const own = Array.from({ length: taps }, (_, tap) => weights[tap * channels + c]!);
    const [least, most] = [Math.min(...own), Math.max(...own)];
    return least >= -128 && most <= 127 ? 0 : least + 128;
  });
  const anyOffset = offsets.some((offset) => offset !== 0);
  const stride = Math.ceil(taps / 4) * 4;
  const bytes = new Int8Array(groups * stride * 4);
  const sums = new Int32Array(channels);
  for (let c = 0; c < channels; c++)
    for (let tap = 0; tap < taps; tap++) {
      const w = weights[tap * channels + c]!;
      bytes[((c >> 2) * stride + tap) * 4 + (c & 3)] = w - offsets[c]!;
      sums[c]! += w;
    }
  // taps outside the tensor hold its zero point, so every tap always counts
  const corrections = new Int32Array(channels * (anyOffset ? 2 : 1));
  for (let c = 0; c < channels; c++) {
    const at = (c >> 2) * (anyOffset ? 8 : 4) + (c & 3);
    corrections[at] = -zero * sums[c]!;
    if (anyOffset) corrections[at + 4] = offsets[c]!;
  }
  return { words: new Uint32Array(bytes.buffer), corrections, offsets: anyOffset };
}

type Part =
  | 'expand_weights'
  | 'expand_corrections'
  | 'depthwise_weights'
  | 'depthwise_corrections'
  | 'project_weights'
  | 'project_corrections';

/**
 * Weights and corrections of each stage, one behind the other, as shaders/inverted_residual.wgsl reads them.
 *
 * @returns `starts`: where each begins, in vec4s of 32 bits; the first stage's weights are at 0
 */
export function packBlock({ expand, depthwise, project }: Block): {
  data: Uint32Array;
  starts: Record<Exclude<Part, 'expand_weights'>, number>;
  offsets: boolean;
} {
  const filters = packFilters(depthwise);
  const parts: [Part, Int32Array | Uint32Array][] = [
    ['expand_weights', expand ? packDotWeights(expand) : new Uint32Array(0)],
    ['expand_corrections', expand ? shortCorrections(expand) : new Int32Array(0)],
    ['depthwise_weights', filters.words],
    ['depthwise_corrections', filters.corrections],
    ['project_weights', packDotWeights(project)],
    ['project_corrections', shortCorrections(project)],
  ];
  const data = new Uint32Array(parts.reduce((sum, [, { length }]) => sum + length, 0));
  const starts = {} as Record<Part, number>;
  let at = 0;
  for (const [name, part] of parts) {
    starts[name] = at / 4;
    data.set(new Uint32Array(part.buffer, part.byteOffset, part.length), at);
    at += part.length;
  }
  const { expand_weights: _, ...others } = starts;
  return { data, starts: others, offsets: filters.offsets };
}
