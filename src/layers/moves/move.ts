import { InvalidModelError } from '../../errors.ts';
import {
  byteRange,
  elementCount,
  isByteType,
  newElementData,
  type GraphNode,
  type TensorInfo,
} from '../../graph/graph.ts';
import { BUDGET } from '../../graph/budget.ts';
import type { Places } from '../layer.ts';
import { extent, paddedPlaces, type Extent } from '../layout.ts';
import { expectOperands, label, placeOf, refuse, type Operator, type OpContext } from '../operator.ts';
import { placesAlong, placesOf } from './places.ts';

/** An operator that only moves elements: what its output looks like, and where each element comes from. */
export interface Move {
  readonly shape: readonly number[];
  /** For each axis of what is taken, in row-major order; those of one axis add up. Absent where all is taken in the order in which it is. */
  readonly taken?: readonly Taken[];
  /** The input's element that each of the output's comes from, both in row-major order, where no axes are taken. */
  readonly from?: (element: number) => number;
  /** What stands where nothing moves; a value of the tensor's type. */
  readonly fill?: number;
}

/** The indices that are taken along an axis of the input, in order; -1: the fill. */
export interface Taken {
  readonly axis: number;
  readonly indices: readonly number[];
}

/** Row-major strides of a shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** All sums of one entry of each list, the last list's running fastest; -1 where an entry is. */
function sums(lists: readonly (readonly number[])[]): Int32Array {
  let all = Int32Array.of(0);
  for (const list of lists) {
    const next = new Int32Array(all.length * list.length);
    let i = 0;
    for (const sum of all) for (const step of list) next[i++] = sum < 0 || step < 0 ? -1 : sum + step;
    all = next;
  }
  return all;
}

/** What each taken index adds to an element's place, where an axis of the input has these strides. */
function stepsOf(taken: readonly Taken[], strides: readonly number[]): number[][] {
  return taken.map(({ axis, indices }) => indices.map((i) => (i < 0 ? -1 : i * strides[axis]!)));
}

/** For each element of the output, in row-major order, the input's element in its row-major order; -1: the fill. */
function sourcesOf({ shape, taken, from }: Move, input: readonly number[]): Int32Array {
  if (!taken) return Int32Array.from({ length: elementCount(shape) }, (_, i) => from?.(i) ?? i);
  return sums(stepsOf(taken, stridesOf(input)));
}

/** Strides of a tensor's axes in GPU memory. */
function paddedStrides(info: TensorInfo): number[] {
  const { height, width, groups } = extent(info);
  const pixel = groups * 4;
  if (info.shape.length === 4) return [height * width * pixel, 1, width * pixel, pixel];
  return [...stridesOf(info.shape.slice(0, -1)).map((stride) => stride * pixel), 1];
}

/** Of a move whose output has the axes that are taken: for each batch, row, column and channel the place that it adds. */
function listsOf({ shape, taken }: Move, input: TensorInfo): number[][] | undefined {
  if (taken?.length !== shape.length || taken.some(({ indices }, axis) => indices.length !== shape[axis]))
    return undefined;
  const steps = stepsOf(taken, paddedStrides(input));
  if (shape.length === 4) return [steps[0]!, steps[2]!, steps[3]!, steps[1]!];
  return [Array.from(sums(steps.slice(0, -1))), [0], [0], steps.at(-1) ?? [0]];
}

/** Does each coordinate of the output add what it adds in the input? */
function keepPlaces(lists: readonly (readonly number[])[], output: TensorInfo): boolean {
  const { height, width, groups } = extent(output);
  const strides = [height * width * groups * 4, width * groups * 4, groups * 4, 1];
  return lists.every((list, i) => list.every((place, k) => place === k * strides[i]!));
}

/** An axis as ONNX counts it: negative from the end. */
export function axisOf(node: GraphNode, given: number, rank: number): number {
  const axis = given < 0 ? given + rank : given;
  if (!Number.isInteger(axis) || axis < 0 || axis >= rank)
    throw new InvalidModelError(`${label(node)}: axis ${given} of a tensor with ${rank} dimensions`);
  return axis;
}

/** More than any tensor has axes, and any Split has parts. */
const MOST_INTEGERS = 2048;

/** Integers from an attribute, or from the operand that later operator sets have in its place; undefined where neither is. */
export function integerList(
  node: GraphNode,
  context: OpContext,
  attribute: string,
  operand: number,
): number[] | undefined {
  const name = node.inputs[operand];
  if (name) {
    const constant = context.constant(name);
    if (!constant) return refuse(node, `computed ${attribute} '${name}'`, 'constants');
    if (constant.data.length > MOST_INTEGERS)
      return refuse(node, `${constant.data.length} ${attribute}`, `up to ${MOST_INTEGERS}`);
    return Array.from(constant.data as BigInt64Array, Number);
  }
  const value = node.attributes[attribute];
  if (value === undefined) return undefined;
  return [value].flat().map(Number);
}

const movable = (type: TensorInfo['type']): boolean => isByteType(type) || type === 'float32';

/** Are both of the same images, channels and pixels, in the same order? */
function samePixels(a: Extent, b: Extent): boolean {
  return a.batch === b.batch && a.channels === b.channels && a.height * a.width === b.height * b.width;
}

/** Where each element moves from in GPU memory; undefined where all keep their place. */
function placesOfMove(node: GraphNode, move: Move, input: TensorInfo, output: TensorInfo): Places | undefined {
  const [from, to] = [extent(input), extent(output)];
  if (!move.taken && !move.from && samePixels(from, to)) return undefined;
  const count = elementCount(input.shape);
  const lists = listsOf(move, input);
  if (lists)
    return count === elementCount(output.shape) && keepPlaces(lists, output) ? undefined : placesAlong(lists, to);
  const listed = Math.max(count, to.batch * to.height * to.width * to.groups * 4);
  if (listed > BUDGET.places) return refuse(node, `it moves ${listed} elements one by one`, `up to ${BUDGET.places}`);
  const sources = sourcesOf(move, input.shape);
  const [before, after] = [paddedPlaces(from), paddedPlaces(to)];
  const isView = before.length === after.length && sources.every((s, i) => s >= 0 && before[s] === after[i]);
  return isView ? undefined : placesOf(sources, from, to);
}

/** The operator that makes this move: 8-bit or float32 tensors of any rank, type and quantization kept. */
export function moveOp(moveOf: (node: GraphNode, context: OpContext, input: TensorInfo) => Move): Operator {
  const of = (node: GraphNode, context: OpContext): Move => moveOf(node, context, context.info(node.inputs[0]!));
  return {
    infer(node, context) {
      expectOperands(node, 1);
      const input = context.info(node.inputs[0]!);
      if (!movable(input.type)) refuse(node, `input '${input.name}' is ${input.type}`, 'uint8, int8, float32 inputs');
      const { shape, fill } = of(node, context);
      if (elementCount(shape) === 0) refuse(node, `an output of shape [${shape.join(', ')}]`, 'outputs with elements');
      if (fill !== undefined && isByteType(input.type)) {
        const [min, max] = byteRange(input.type);
        if (!(fill >= min && fill <= max))
          throw new InvalidModelError(`${label(node)}: the value ${fill} is no ${input.type}`);
      }
      return { ...input, name: node.outputs[0]!, shape };
    },
    reference(node, context, operand) {
      const move = of(node, context);
      const { fill = 0 } = move;
      const x = operand(0);
      const from = sourcesOf(move, context.info(node.inputs[0]!).shape);
      const data = newElementData(context.info(node.inputs[0]!).type, from.length);
      for (let i = 0; i < from.length; i++) data[i] = from[i]! < 0 ? fill : x[from[i]!]!;
      return { data };
    },
    layer(node, context) {
      const move = of(node, context);
      const place = placeOf(node, context);
      const places = placesOfMove(node, move, place.reads[0]!, place.writes);
      if (!places) return { kind: 'view', ...place };
      const sources = (): Int32Array => sourcesOf(move, place.reads[0]!.shape);
      return { kind: 'move', ...place, ...places, fill: move.fill ?? 0, sources };
    },
  };
}
