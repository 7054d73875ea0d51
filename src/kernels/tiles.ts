/** The shape of an inverted residual block, as far as tiles depend on it. Sizes are [height, width]. */
export interface BlockShape {
  readonly batch: number;
  /** Of the block's input; [0, 0] strides and kernels where nothing is expanded. */
  readonly inGroups: number;
  readonly middleGroups: number;
  readonly outGroups: number;
  readonly out: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly expand?: { readonly kernel: readonly [number, number]; readonly stride: readonly [number, number] };
}

/** How a block is cut: the pixels of its output that a workgroup computes, and the groups expanded at a time. */
export interface Tile {
  readonly height: number;
  readonly width: number;
  readonly chunk: number;
}

/** [height, width]: small ones keep many processors busy, large ones compute less halo again. */
export const TILES: readonly (readonly [number, number])[] = [
  [2, 2],
  [2, 4],
  [4, 4],
  [4, 8],
  [8, 8],
];
const CHUNKS = [16, 8, 4];

/** Pixels of a stage's input that `size` pixels of its output need. */
const reach = (size: number, kernel: number, stride: number): number => (size - 1) * stride + kernel;

/** Pixels of the input's and the middle tensor's part of a tile, halo included. */
export function tilePixels(shape: BlockShape, { height, width }: Tile): { input: number; middle: number; out: number } {
  const middle = [
    reach(height, shape.kernel[0], shape.stride[0]),
    reach(width, shape.kernel[1], shape.stride[1]),
  ] as const;
  const input = shape.expand
    ? reach(middle[0], shape.expand.kernel[0], shape.expand.stride[0]) *
      reach(middle[1], shape.expand.kernel[1], shape.expand.stride[1])
    : 0;
  return { input, middle: middle[0] * middle[1], out: height * width };
}

/** Workgroup memory: the input's tile, a chunk of the middle tensor's, and what the depthwise stage makes of it. */
export function tileBytes(shape: BlockShape, tile: Tile): number {
  const pixels = tilePixels(shape, tile);
  return 4 * (pixels.input * shape.inGroups + pixels.middle * tile.chunk + pixels.out * shape.middleGroups);
}

/** Tiles of the whole output. */
export function tileGrid({ batch, out }: BlockShape, { height, width }: Tile): { y: number; x: number; count: number } {
  const [y, x] = [Math.ceil(out[0] / height), Math.ceil(out[1] / width)];
  return { y, x, count: batch * y * x };
}

/** Multiply-adds of one tile, halo included. */
export function tileMacs(shape: BlockShape, tile: Tile): number {
  const pixels = tilePixels(shape, tile);
  const middle = shape.middleGroups * 4;
  const taps = shape.expand ? shape.expand.kernel[0] * shape.expand.kernel[1] : 0;
  const expand = pixels.middle * middle * shape.inGroups * 4 * taps;
  const depthwise = pixels.out * middle * shape.kernel[0] * shape.kernel[1];
  return expand + depthwise + pixels.out * middle * shape.outGroups * 4;
}

/** Workgroups that a GPU of middle size runs at the same time: what tiles are chosen for where nothing was measured. */
const PROCESSORS = 64;

/**
 * The tile that takes the least time if every round of workgroups takes as long as its multiply-adds.
 *
 * @param limit bytes of workgroup memory
 * @param only the one size that is allowed, where one was chosen
 * @returns undefined where none fits into workgroup memory
 */
export function chooseTile(shape: BlockShape, limit: number, only?: readonly [number, number]): Tile | undefined {
  const candidates = (only ? [only] : TILES).flatMap(([height, width]) => {
    const tile = CHUNKS.map((chunk) => ({ height, width, chunk: Math.min(chunk, shape.middleGroups) })).find(
      (t) => tileBytes(shape, t) <= limit,
    );
    return tile ? [{ tile, time: Math.ceil(tileGrid(shape, tile).count / PROCESSORS) * tileMacs(shape, tile) }] : [];
  });
  return candidates.sort((a, b) => a.time - b.time)[0]?.tile;
}
