import { byteRange, elementCount, newElementData, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import type { TensorQuantization } from '../engines/engine.ts';
import type { Layer } from './layer.ts';
import { extent, type Extent } from './layout.ts';
import { placeOf, refuse, tensorQuantization, type OpContext, type ReferenceResult } from './operator.ts';

/** The quantization of both operands and the output of an element-wise function of two bytes. */
export function pairOf(
  node: GraphNode,
  context: OpContext,
): { a: TensorQuantization; b: TensorQuantization; output: TensorQuantization } {
  const quantization = (name: string) => tensorQuantization(node, context.info(name));
  return {
    a: quantization(node.inputs[0]!),
    b: quantization(node.inputs[1]!),
    output: quantization(node.outputs[0]!),
  };
}

const axesOf = ({ batch, channels, height, width }: Extent): number[] => [batch, channels, height, width];

/** With as many dimensions, of which the first ones are 1. */
const ofRank = (info: TensorInfo, rank: number): TensorInfo => ({
  ...info,
  shape: [...Array.from({ length: rank - info.shape.length }, () => 1), ...info.shape],
});

/** Is every dimension of `small` that of `large`, or 1? Then each element of `large` has a partner in `small`. */
function broadcasts(small: TensorInfo, large: TensorInfo): boolean {
  const sizes = axesOf(extent(large));
  const sameRank = small.shape.length === large.shape.length;
  const fits = axesOf(extent(small)).every((d, i) => d === 1 || d === sizes[i]);
  return fits && (sameRank || elementCount(small.shape) === 1);
}

/**
 * The operand of the output's shape, and the other, which may be broadcast to it: one value a channel, a pixel, an image.
 *
 * @throws UnsupportedModelError for shapes of which neither holds the other
 */
export function broadcastOf(
  node: GraphNode,
  context: OpContext,
): { large: TensorInfo; small: TensorInfo; swapped: boolean } {
  const infos = node.inputs.slice(0, 2).map((name) => context.info(name));
  const rank = Math.max(...infos.map(({ shape }) => shape.length));
  // a constant lies in memory as it is wanted
  const [a, b] = infos.map((info) => (context.constant(info.name) ? ofRank(info, rank) : info)) as [
    TensorInfo,
    TensorInfo,
  ];
  if (broadcasts(b, a)) return { large: a, small: b, swapped: false };
  if (broadcasts(a, b)) return { large: b, small: a, swapped: true };
  return refuse(
    node,
    `8-bit operands of shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
    'equal shapes, or one of which every dimension is 1 or that of the other',
  );
}

/** Calls `visit` with the index of every output element and of its partner in each operand, all in NCHW order. */
function forEachPair(
  { large, small, swapped }: ReturnType<typeof broadcastOf>,
  visit: (output: number, a: number, b: number) => void,
): void {
  const sizes = axesOf(extent(large));
  const partner = axesOf(extent(small));
  let stride = 1;
  const strides = [3, 2, 1, 0].map((axis) => {
    const own = partner[axis] === 1 ? 0 : stride;
    stride *= partner[axis]!;
    return own;
  });
  const [x, y, c, n] = strides as [number, number, number, number];
  let i = 0;
  for (let image = 0; image < sizes[0]!; image++)
    for (let channel = 0; channel < sizes[1]!; channel++)
      for (let row = 0; row < sizes[2]!; row++)
        for (let column = 0; column < sizes[3]!; column++) {
          const other = image * n + channel * c + row * y + column * x;
          visit(i, swapped ? other : i, swapped ? i : other);
          i++;
        }
}

/** An element-wise function of two 8-bit tensors on the host. */
export function referencePairs(
  node: GraphNode,
  context: OpContext,
  operand: (index: number) => ArrayLike<unknown>,
  f: (a: number, b: number, index: number) => number,
): ReferenceResult {
  const info = context.info(node.outputs[0]!);
  const [x, y] = [operand(0), operand(1)] as [Uint8Array, Uint8Array];
  const data = newElementData(info.type as 'uint8' | 'int8', elementCount(info.shape));
  forEachPair(broadcastOf(node, context), (i, a, b) => (data[i] = f(x[a]!, y[b]!, i)));
  return { data };
}

/** A function of two values as one of two codes, 0 to 255, to a code. */
export function onCodes(
  { a, b, output }: ReturnType<typeof pairOf>,
  f: (a: number, b: number) => number,
): (a: number, b: number) => number {
  const [minA, minB, min] = [a, b, output].map((q) => byteRange(q.type)[0]) as [number, number, number];
  return (x, y) => f(x + minA, y + minB) - min;
}

/** A function of two values, as one of the codes of the larger operand and of the other. */
export function pairLayer(
  node: GraphNode,
  context: OpContext,
  f: (a: number, b: number) => number,
  more: Pick<Layer<'pair'>, 'slope' | 'tail'> = {},
): Layer<'pair'> {
  const { large, small, swapped } = broadcastOf(node, context);
  const codes = onCodes(pairOf(node, context), f);
  const constant = context.constant(large.name) ?? context.constant(small.name);
  return {
    kind: 'pair',
    ...placeOf(node, context),
    reads: [large, small],
    ...(constant && { constant }),
    codes: swapped ? (a, b) => codes(b, a) : codes,
    ...more,
  };
}
