import { outputPixels } from '../layers/linear/geometry.ts';
import type { Linear } from '../layers/layer.ts';
import type { Features } from './features.ts';
import type { LinearLayer } from './linear.ts';
import { dotCorrections, packDotWeights } from './packing.ts';
import type { Target } from './target.ts';

export const dotModule = ({ packedDot }: Features): string => (packedDot ? 'dot/packed' : 'dot/unpacked');

/** Bytes become signed for dot4I8Packed. */
export const inputFlip = ({ layer }: Linear): number => (layer.input.type === 'uint8' ? 0x80808080 : 0);

/** What both kernels of a 1 by 1 window read. */
export function pixelsByWords(linear: LinearLayer, { features }: Target) {
  const { corrections, weightZero } = dotCorrections(linear);
  return {
    operands: [packDotWeights(linear), corrections],
    given: {
      geometry: {
        pixels: outputPixels(linear),
        in_groups: linear.input.groups,
        out_groups: linear.output.groups,
        input_flip: inputFlip(linear),
      },
      overrides: { HAS_WEIGHT_ZERO: Number(weightZero) },
      slots: { dot: dotModule(features) },
    },
  };
}
