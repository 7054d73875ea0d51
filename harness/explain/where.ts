import { isByteType, type ElementData, type TensorInfo } from '../../src/graph/graph.ts';
import { extent } from '../../src/layers/layout.ts';
import type { Linear } from '../../src/layers/layer.ts';
import type { Where } from './explanation.ts';

/** Does the window of the output at a row and column reach into the padding? */
type IsBorder = (row: number, column: number) => boolean;

/** The border of a convolution's output; of any other layer there is none. */
export function borderOf(linear: Pick<Linear, 'layer' | 'input' | 'strides' | 'dilations'> | undefined): IsBorder {
  if (!linear) return () => false;
  const { layer, input, strides, dilations } = linear;
  const reaches = (at: number, axis: 0 | 1, size: number): boolean => {
    const first = at * strides[axis] - layer.pads[axis];
    return first < 0 || first + (layer.kernel[axis] - 1) * dilations[axis] >= size;
  };
  return (row, column) => reaches(row, 0, input.height) || reaches(column, 1, input.width);
}

/** Where two tensors of a shape differ: by channel, border or interior; for 8-bit tensors by sign and size, too. */
export function findWhere(info: TensorInfo, reference: ElementData, theirs: ElementData, isBorder: IsBorder): Where {
  const { batch, channels, height, width } = extent(info);
  const perChannel = new Array<number>(channels).fill(0);
  const histogram = new Map<number, number>();
  const border = { elements: 0, mismatches: 0 };
  const interior = { elements: 0, mismatches: 0 };
  const isBorderPixel = Array.from({ length: height * width }, (_, p) => isBorder(Math.floor(p / width), p % width));
  let i = 0;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < height * width; p++, i++) {
        const count = isBorderPixel[p]! ? border : interior;
        count.elements++;
        if (Object.is(theirs[i], reference[i])) continue;
        count.mismatches++;
        perChannel[c]!++;
        if (!isByteType(info.type)) continue;
        const difference = Number(theirs[i]) - Number(reference[i]);
        histogram.set(difference, (histogram.get(difference) ?? 0) + 1);
      }
  const differences = [...histogram]
    .map(([difference, elements]) => ({ difference, elements }))
    .sort((a, b) => a.difference - b.difference);
  const offByOne = (histogram.get(1) ?? 0) + (histogram.get(-1) ?? 0);
  return { channels: perChannel, border, interior, differences, offByOne };
}

/** How many channels of a pixel differ, for every pixel of the first image, row by row: for pictures. */
export function mismatchMap(info: TensorInfo, reference: ElementData, theirs: ElementData): Uint32Array {
  const { channels, height, width } = extent(info);
  const map = new Uint32Array(height * width);
  for (let i = 0; i < channels * map.length; i++) if (!Object.is(theirs[i], reference[i])) map[i % map.length]!++;
  return map;
}
