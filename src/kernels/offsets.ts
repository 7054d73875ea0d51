import type { Linear } from '../layers/layer.ts';
import { sumsOf, weightsPerChannel, weightZero } from '../layers/linear/weights.ts';

/** Which taps of a window lie in the input, for each place of the output along an axis: classes, and one's number a place. */
function classesOf(
  size: number,
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  pad: number,
): { readonly classes: readonly (readonly boolean[])[]; readonly of: readonly number[] } {
  const classes: boolean[][] = [];
  const of = Array.from({ length: size }, (_, place) => {
    const taps = Array.from({ length: kernel }, (_, k) => {
      const at = place * stride - pad + k * dilation;
      return at >= 0 && at < input;
    });
    const known = classes.findIndex((one) => one.every((tap, k) => tap === taps[k]));
    return known >= 0 ? known : classes.push(taps) - 1;
  });
  return { classes, of };
}

/** Does any window reach beyond the input? */
export function isPadded({ layer, input, output, strides, dilations }: Linear): boolean {
  const reaches = (axis: 0 | 1, size: number, places: number): boolean => {
    const end = (places - 1) * strides[axis] + (layer.kernel[axis] - 1) * dilations[axis] - layer.pads[axis];
    return layer.pads[axis] > 0 || end >= size;
  };
  return reaches(0, input.height, output.height) || reaches(1, input.width, output.width);
}

/** The sums of the weights, [group of 4 channels]. */
function weightSums(linear: Linear): Int32Array {
  const { layer, output, weights } = linear;
  const sums = new Int32Array(output.groups * 4);
  const count = weightsPerChannel(linear);
  for (let o = 0; o < layer.outputChannels; o++)
    sums[o] = sumsOf(weights, weightZero(layer, o), o * count, (o + 1) * count).sum;
  return sums;
}

/** What offset/by_channel and output/scaled read: three groups of words, and for each channel its bias and its weights' sum. */
export function packScaling(linear: Linear, head: ArrayLike<number> = [], biases: ArrayLike<number> = []): Uint32Array {
  const sums = weightSums(linear);
  const packed = new Uint32Array(12 + 2 * sums.length);
  packed.set(head);
  for (let o = 0; o < sums.length; o++) {
    const at = 12 + (o >> 2) * 8 + (o & 3);
    packed[at] = biases[o] ?? 0;
    packed[at + 4] = sums[o]!;
  }
  return packed;
}

/** What offset/by_place reads: the sums of the weights that have the input under them, wherever an output is. */
export function packOffsets(linear: Linear): Int32Array {
  const { layer, input, output, strides, dilations, weights } = linear;
  const [kh, kw] = layer.kernel;
  const rows = classesOf(output.height, input.height, kh, strides[0], dilations[0], layer.pads[0]);
  const columns = classesOf(output.width, input.width, kw, strides[1], dilations[1], layer.pads[1]);
  const head = [output.groups, output.width, output.height, columns.classes.length, ...rows.of, ...columns.of];
  const count = rows.classes.length * columns.classes.length;
  const packed = new Int32Array(head.length + count * output.groups * 4);
  packed.set(head);
  const perChannel = weightsPerChannel(linear);
  for (let o = 0; o < layer.outputChannels; o++) {
    const zero = weightZero(layer, o);
    const taps = new Int32Array(kh * kw);
    for (let k = 0; k < perChannel; k++) taps[k % (kh * kw)]! += weights[o * perChannel + k]! - zero;
    let place = head.length + o;
    for (const row of rows.classes)
      for (const column of columns.classes) {
        packed[place] = taps.reduce((sum, tap, k) => (row[Math.floor(k / kw)] && column[k % kw] ? sum + tap : sum), 0);
        place += output.groups * 4;
      }
  }
  return packed;
}
