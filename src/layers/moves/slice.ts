import { InvalidModelError } from '../../errors.ts';
import type { GraphNode } from '../../graph/graph.ts';
import { label, refuse, type Operator, type OpContext } from '../operator.ts';
import { axisOf, integerList, moveOp, type Move } from './move.ts';

/** The input's indices that each axis of the output takes, in order; -1 takes none. */
export function picking(picks: readonly (readonly number[])[], fill?: number): Move {
  return {
    shape: picks.map((indices) => indices.length),
    taken: picks.map((indices, axis) => ({ axis, indices })),
    ...(fill === undefined ? {} : { fill }),
  };
}

export const range = (length: number, first = 0): number[] => Array.from({ length }, (_, i) => first + i);

/** ONNX's Slice of one axis: `start` to before `end` in steps, negative ones from the end, clamped to the axis. */
function sliceIndices(size: number, start: number, end: number, step: number): number[] {
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (i: number): number => Math.min(Math.max(i < 0 ? i + size : i, least), most);
  const indices: number[] = [];
  const last = clamp(end);
  for (let i = clamp(start); step > 0 ? i < last : i > last; i += step) indices.push(i);
  return indices;
}

/** What a Slice node takes of each axis. */
export function slicesOf(node: GraphNode, context: OpContext, shape: readonly number[]): number[][] {
  const starts = integerList(node, context, 'starts', 1);
  const ends = integerList(node, context, 'ends', 2);
  if (!starts || !ends) throw new InvalidModelError(`${label(node)} has no starts or no ends`);
  const axes = integerList(node, context, 'axes', 3) ?? range(starts.length);
  const steps = integerList(node, context, 'steps', 4) ?? starts.map(() => 1);
  const picks = shape.map((size) => range(size));
  for (const [k, given] of axes.entries()) {
    if (!steps[k]) throw new InvalidModelError(`${label(node)}: step ${steps[k]}`);
    const axis = axisOf(node, given, shape.length);
    picks[axis] = sliceIndices(shape[axis]!, starts[k]!, ends[k]!, steps[k]!);
  }
  return picks;
}

export const slice: Operator = moveOp((node, context, { shape }) => picking(slicesOf(node, context, shape)));

/** Each is a node of its own, which knows them all. */
const MOST_PARTS = 2048;

/** One output of ONNX's Split: number `part` of `parts`, along an axis. */
export const split: Operator = moveOp((node, context, { shape }) => {
  const axis = axisOf(node, Number(node.attributes['axis'] ?? 0), shape.length);
  const [part, parts] = [Number(node.attributes['part']), Number(node.attributes['parts'])];
  if (parts > MOST_PARTS) return refuse(node, `${parts} parts`, `up to ${MOST_PARTS}`);
  const size = Math.ceil(shape[axis]! / parts);
  const given = integerList(node, context, 'split', 1);
  const sizes = given ?? range(parts).map((i) => Math.min(size, shape[axis]! - i * size));
  if (sizes.length !== parts || sizes.reduce((a, b) => a + b, 0) !== shape[axis] || sizes.some((s) => s < 1))
    throw new InvalidModelError(`${label(node)}: parts of [${sizes.join(', ')}] of a dimension of ${shape[axis]}`);
  const first = sizes.slice(0, part).reduce((a, b) => a + b, 0);
  return picking(shape.map((length, i) => (i === axis ? range(sizes[part]!, first) : range(length))));
});

/** Gather along an axis, by constant indices. */
export const gatherAlong: Operator = moveOp((node, context, { shape }) => {
  const indices = context.constant(node.inputs[1] ?? '');
  if (!indices) return refuse(node, `computed indices '${node.inputs[1] ?? ''}'`, 'constant indices');
  const axis = axisOf(node, Number(node.attributes['axis'] ?? 0), shape.length);
  const picked = Array.from(indices.data as Int32Array, (i) => (Number(i) < 0 ? Number(i) + shape[axis]! : Number(i)));
  if (picked.some((i) => i < 0 || i >= shape[axis]!))
    throw new InvalidModelError(`${label(node)}: indices beyond a dimension of ${shape[axis]}`);
  const move = picking(shape.map((length, i) => (i === axis ? picked : range(length))));
  return { ...move, shape: [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)] };
});
