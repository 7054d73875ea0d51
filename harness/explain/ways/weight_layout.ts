import type { Linear } from '../../../src/layers/layer.ts';
import { waysOf, type Choice } from '../problem.ts';

/** Where the weight [o][c][ky][kx] is read in the array. */
export interface LayoutChoice extends Choice {
  /** Raw weights, [o][c][ky][kx]. */
  readonly weights: ArrayLike<number>;
}

const way = waysOf('weight-layout');

/** The index that is read, for a weight o, c, y, x of a layer of O, C, H, W. */
type Index = (o: number, c: number, y: number, x: number, d: { O: number; C: number; H: number; W: number }) => number;

const LAYOUTS: readonly (readonly [id: string, detail: string, index: Index])[] = [
  [
    'flip-xy',
    'the kernel is turned by 180 degrees (a true convolution)',
    (o, c, y, x, { C, H, W }) => ((o * C + c) * H + H - 1 - y) * W + W - 1 - x,
  ],
  [
    'transposed-kernel',
    'rows and columns of the kernel are swapped',
    (o, c, y, x, { C, H, W }) => (o * C + c) * H * W + x * H + y,
  ],
  ['flip-x', 'the kernel is flipped left to right', (o, c, y, x, { C, H, W }) => ((o * C + c) * H + y) * W + W - 1 - x],
  ['flip-y', 'the kernel is flipped top to bottom', (o, c, y, x, { C, H, W }) => ((o * C + c) * H + H - 1 - y) * W + x],
  [
    'transposed',
    'weights are read as [input][output], so transposed',
    (o, c, y, x, { O, H, W }) => ((c * O + o) * H + y) * W + x,
  ],
  [
    'ohwi',
    'weights are read as [output][row][column][input]',
    (o, c, y, x, { C, H, W }) => ((o * H + y) * W + x) * C + c,
  ],
  [
    'hwio',
    'weights are read as [row][column][input][output]',
    (o, c, y, x, { O, C, W }) => ((y * W + x) * C + c) * O + o,
  ],
];

/** The layouts that differ in this layer. */
export function layoutChoices({ layer, weights }: Linear): LayoutChoice[] {
  const [H, W] = layer.kernel;
  const d = { O: layer.outputChannels, C: layer.inputChannels / layer.groups, H, W };
  const choices: LayoutChoice[] = [way('right', 'weights as [output][input][row][column]', { weights })];
  for (const [id, detail, index] of LAYOUTS) {
    const read = new Int16Array(weights.length);
    let i = 0;
    for (let o = 0; o < d.O; o++)
      for (let c = 0; c < d.C; c++)
        for (let y = 0; y < H; y++) for (let x = 0; x < W; x++) read[i++] = weights[index(o, c, y, x, d)]!;
    const isNew = choices.every((other) => read.some((w, j) => w !== other.weights[j]));
    if (isNew) choices.push(way(id, detail, { weights: read }));
  }
  return choices;
}
