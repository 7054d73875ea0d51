import { layerWindow } from '../geometry.ts';
import { inputFlip, laneCorrections, paddingWord, startingSums, weightMin } from './floats.ts';
import type { Linear } from '../../layers/layer.ts';
import { dynamicSlots, hasExactSums, type LinearKernel } from '../linear.ts';
import { useKernel } from '../kernel.ts';

/** Larger windows and strides would unroll into too much text. */
const MOST_KERNEL = 5;
const MOST_STRIDE = 2;
/** Rows of a strip: its weights and form are loaded once. */
const ROWS = 28;

/** f32 lanes, a few columns of 4 channels a thread, whose window slides down a strip of rows: each row is loaded once. */
export const depthwiseRows: LinearKernel = {
  name: 'depthwise_rows',
  kinds: ['depthwise'],
  software: true,
  dynamic: true,
  // columns of the input in which a thread's windows begin
  tiles: [4, 2, 7],
  admits(linear) {
    const { layer, strides, dilations } = linear;
    if (dilations.some((d) => d !== 1)) return 'its window is dilated';
    if (strides[0] !== strides[1] || strides[0] > MOST_STRIDE) return `its strides are ${strides.join(' and ')}`;
    if (layer.kernel.some((k) => k > MOST_KERNEL)) return `its window is larger than ${MOST_KERNEL}`;
    const exact = hasExactSums(linear);
    if (exact !== true) return exact;
    return startingSums(linear) !== undefined || 'sums of a channel can reach 2^24';
  },
  lower(linear, _target, columns) {
    const { layer, output, strides } = linear;
    const width = Math.ceil(columns / strides[1]);
    const [kernelHeight, kernelWidth] = layer.kernel;
    const strips = Math.ceil(output.height / ROWS);
    const rows = Math.ceil(output.height / strips);
    const kept = Math.max(0, kernelHeight - strides[0]);
    return {
      operands: [packRowWeights(linear), laneCorrections(linear, startingSums(linear)!)],
      ...useKernel('depthwise_rows', {
        geometry: {
          ...layerWindow(linear),
          rows,
          strips,
          input_flip: inputFlip(linear),
          padding: paddingWord(linear),
        },
        counts: {
          WIDTH: width,
          KERNEL_HEIGHT: kernelHeight,
          KERNEL_WIDTH: kernelWidth,
          STRIDE: strides[0],
          KEPT: kept,
          NEW: kernelHeight - kept,
          WINDOW_WIDTH: (width - 1) * strides[0] + kernelWidth,
        },
        slots: dynamicSlots(linear),
      }),
      workgroups: [Math.ceil(output.groups / 4), Math.ceil(output.width / width), strips * output.batch],
    };
  },
};

/** [tap][group of 4 channels] of four codes, the fourth one's top bit flipped; channels that do not exist hold the zero point. */
function packRowWeights(linear: Linear): Uint32Array {
  const { layer, weights, output } = linear;
  const taps = layer.kernel[0] * layer.kernel[1];
  const packed = new Uint32Array(taps * output.groups);
  packed.fill(0x80000000);
  const bytes = new Uint8Array(packed.buffer);
  for (let o = 0; o < layer.outputChannels; o++)
    for (let tap = 0; tap < taps; tap++) {
      const code = weights[o * taps + tap]! - weightMin(linear);
      bytes[tap * output.groups * 4 + o] = o % 4 === 3 ? code ^ 128 : code;
    }
  return packed;
}
