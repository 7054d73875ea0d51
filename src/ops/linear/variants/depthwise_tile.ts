import { windowGeometry } from '../geometry.ts';
import { inputFlip, packTileWeights, paddingWord, startingSums } from '../floats.ts';
import { notSaturating } from './conditions.ts';
import type { LinearVariant } from './variant.ts';

/** Larger windows and strides would unroll into too much text. */
const MOST_KERNEL = 5;
const MOST_STRIDE = 2;

/** f32 lanes, a square of outputs of 4 channels a thread, unrolled; the input's patch is loaded once. */
export const depthwiseTile: LinearVariant = {
  name: 'depthwise_tile',
  kinds: ['depthwise'],
  tiles: [4, 2],
  admits(task) {
    const { layer, strides, dilations } = task.linear;
    if (dilations.some((d) => d !== 1)) return 'its window is dilated';
    if (strides[0] !== strides[1] || strides[0] > MOST_STRIDE) return `its strides are ${strides.join(' and ')}`;
    if (layer.kernel.some((k) => k > MOST_KERNEL)) return `its window is larger than ${MOST_KERNEL}`;
    const saturating = notSaturating(task);
    if (saturating !== true) return saturating;
    return startingSums(task.linear) !== undefined || 'sums of a channel can reach 2^24';
  },
  lower({ linear }, _features, tile) {
    const { layer, output, strides } = linear;
    const [kh, kw] = layer.kernel;
    const reach = (kernel: number): number => (tile - 1) * strides[0] + kernel;
    const tilesY = Math.ceil(output.height / tile);
    return {
      kernel: 'depthwise_tile',
      links: ['shared/byte_lanes'],
      operands: [packTileWeights(linear), new Uint32Array(startingSums(linear)!.buffer)],
      geometry: {
        ...windowGeometry(linear),
        tiles_y: tilesY,
        input_flip: inputFlip(linear),
        padding: paddingWord(linear),
      },
      overrides: {},
      unroll: {
        TILE_HEIGHT: tile,
        TILE_WIDTH: tile,
        KERNEL_HEIGHT: kh,
        KERNEL_WIDTH: kw,
        STRIDE: strides[0],
        WINDOW_HEIGHT: reach(kh),
        WINDOW_WIDTH: reach(kw),
      },
      workgroups: [Math.ceil(output.groups / 4), Math.ceil(output.width / tile), tilesY * output.batch],
      floatSums: true,
    };
  },
};
