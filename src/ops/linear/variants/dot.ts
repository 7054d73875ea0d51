import { threadGrid, workgroupGrid } from '../../step.ts';
import { outputPixels, layerWindow } from '../geometry.ts';
import { dotCorrections, packDotWeights, repeatByte, signedZeroPoint } from '../packing.ts';
import { KERNELS } from '../../../kernels/interfaces.ts';
import { useKernel } from '../../../kernels/kernel.ts';
import type { LinearTask, LinearVariant } from './variant.ts';
import type { Features } from '../../features.ts';
import { notSaturating } from './conditions.ts';

const { TILE } = KERNELS.pointwise.constants;

const dotModule = ({ packedDot }: Features): string => (packedDot ? 'dot/packed' : 'dot/unpacked');

/** Bytes become signed for dot4I8Packed. */
const inputFlip = ({ linear }: LinearTask): number => (linear.layer.input.type === 'uint8' ? 0x80808080 : 0);

/** Dot products of four bytes, four pixels by four channels a thread. */
export const pointwise: LinearVariant = {
  name: 'pointwise',
  kinds: ['pointwise', 'gemm'],
  admits: notSaturating,
  lower(task, features) {
    const { operands, given } = pixelsByWords(task, features);
    return {
      operands,
      ...useKernel('pointwise', given),
      workgroups: threadGrid(Math.ceil(outputPixels(task.linear) / TILE) * task.linear.output.groups),
    };
  },
};

/**
 * The same from tiles of both operands in workgroup memory: 4 * side pixels by side groups of channels a workgroup, whose
 * 64 / side^2 slices share the words of a sum. The smaller the side, the more workgroups there are for few pixels.
 */
export const pointwiseTiled: LinearVariant = {
  name: 'pointwise_tiled',
  kinds: ['pointwise', 'gemm'],
  tiles: [8, 4, 2],
  admits: notSaturating,
  lower(task, features, side) {
    const { linear } = task;
    const rows = Math.ceil(outputPixels(linear) / (TILE * side));
    const { operands, given } = pixelsByWords(task, features);
    return {
      operands,
      ...useKernel('pointwise_tiled', { ...given, counts: { SIDE: side } }),
      workgroups: workgroupGrid(rows * Math.ceil(linear.output.groups / side)),
    };
  },
};

/** What both kernels of a 1 by 1 window read. */
function pixelsByWords(task: LinearTask, features: Features) {
  const { linear } = task;
  const { corrections, weightZero } = dotCorrections(linear);
  return {
    operands: [packDotWeights(linear), corrections],
    given: {
      geometry: {
        pixels: outputPixels(linear),
        in_groups: linear.input.groups,
        out_groups: linear.output.groups,
        input_flip: inputFlip(task),
      },
      overrides: { HAS_WEIGHT_ZERO: Number(weightZero) },
      slots: { dot: dotModule(features) },
    },
  };
}

/** The same under a window, for groups of whole words. */
export const conv: LinearVariant = {
  name: 'conv',
  kinds: ['pointwise', 'conv', 'grouped', 'gemm'],
  admits(task) {
    const { layer } = task.linear;
    const whole = [layer.inputChannels, layer.outputChannels].every((channels) => (channels / layer.groups) % 4 === 0);
    if (layer.groups > 1 && !whole) return 'its groups are not of whole words of four channels';
    return notSaturating(task);
  },
  lower(task, features) {
    const { linear } = task;
    const { layer, output } = linear;
    const { corrections, weightZero } = dotCorrections(linear);
    const pixels = outputPixels(linear);
    return {
      operands: [packDotWeights(linear), corrections],
      ...useKernel('conv', {
        geometry: {
          ...layerWindow(linear),
          in_group_words: Math.ceil(layer.inputChannels / layer.groups / 4),
          out_group_words: layer.groups === 1 ? output.groups : layer.outputChannels / layer.groups / 4,
          input_flip: inputFlip(task),
          padding: repeatByte(signedZeroPoint(layer.input.type, layer.input.zeroPoint)),
        },
        overrides: { HAS_WEIGHT_ZERO: Number(weightZero) },
        slots: { dot: dotModule(features) },
      }),
      workgroups: threadGrid(Math.ceil(pixels / TILE) * output.groups),
    };
  },
};
