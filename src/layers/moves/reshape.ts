import { InvalidModelError } from '../../errors.ts';
import { BUDGET } from '../../graph/budget.ts';
import { elementCount, type GraphNode } from '../../graph/graph.ts';
import { label, refuse, type Operator, type OpContext } from '../operator.ts';
import { axisOf, integerList, moveOp, type Move } from './move.ts';

/** The same values, in the same row-major order, in another shape. */
function reshaping(
  shapeOf: (node: GraphNode, context: OpContext, from: readonly number[]) => readonly number[],
): Operator {
  const move = moveOp((node, context, input) => {
    const shape = shapeOf(node, context, input.shape);
    const count = elementCount(input.shape);
    if (elementCount(shape) !== count)
      throw new InvalidModelError(
        `${label(node)}: from shape [${input.shape.join(', ')}] to [${shape.join(', ')}], which has other elements`,
      );
    return node.attributes['channels_last'] === 1 ? channelsLast(input.shape, shape) : { shape };
  });
  return { ...move, define: () => ({ kind: 'reshape' }) };
}

/** Elements are counted with the channels last: of four dimensions in the order NHWC. */
function channelsLast(from: readonly number[], shape: readonly number[]): Move {
  if (from.length !== 4 && shape.length !== 4) return { shape };
  return { shape, from: (element) => place(counted(element, shape), from) };
}

/** The number of an element, channels last, from its number in row-major order. */
function counted(element: number, shape: readonly number[]): number {
  if (shape.length !== 4) return element;
  const [, channels, height, width] = shape as [number, number, number, number];
  const plane = height * width;
  const image = Math.floor(element / (channels * plane));
  return (image * plane + (element % plane)) * channels + (Math.floor(element / plane) % channels);
}

/** The other way. */
function place(number: number, shape: readonly number[]): number {
  if (shape.length !== 4) return number;
  const [, channels, height, width] = shape as [number, number, number, number];
  const plane = height * width;
  const image = Math.floor(number / (channels * plane));
  return (image * channels + (number % channels)) * plane + (Math.floor(number / channels) % plane);
}

export const reshape = reshaping((node, context, from) => {
  const target = context.constant(node.inputs[1] ?? '');
  if (!target) return refuse(node, `a computed shape '${node.inputs[1] ?? ''}'`, 'shapes that follow from constants');
  const { rank } = BUDGET;
  if (target.data.length > rank) return refuse(node, `${target.data.length} dimensions`, `up to ${rank}`);
  const dims = Array.from(target.data as BigInt64Array, Number);
  const keepsZero = node.attributes['allowzero'] === 1;
  const shape = dims.map((d, i) => (d === 0 && !keepsZero ? (from[i] ?? 0) : d));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = elementCount(from) / shape.reduce((p, d) => (d === -1 ? p : p * d), 1);
  if (!shape.every((d) => Number.isInteger(d) && d >= 0))
    throw new InvalidModelError(`${label(node)}: [${from.join(', ')}] cannot become [${dims.join(', ')}]`);
  return shape;
});

export const flatten = reshaping((node, _context, from) => {
  const given = Number(node.attributes['axis'] ?? 1);
  const axis = given < 0 ? given + from.length : given;
  return [elementCount(from.slice(0, axis)), elementCount(from.slice(axis))];
});

export const identity = reshaping((_node, _context, from) => from);

export const squeeze = reshaping((node, context, from) => {
  const given = integerList(node, context, 'axes', 1);
  const axes = given ? given.map((a) => axisOf(node, a, from.length)) : from.flatMap((d, i) => (d === 1 ? [i] : []));
  if (axes.some((axis) => from[axis] !== 1))
    throw new InvalidModelError(`${label(node)}: axes ${axes.join(', ')} of shape [${from.join(', ')}] are not all 1`);
  return from.filter((_, i) => !axes.includes(i));
});

export const unsqueeze = reshaping((node, context, from) => {
  const given = integerList(node, context, 'axes', 1) ?? [];
  const rank = from.length + given.length;
  const axes = given.map((axis) => axisOf(node, axis, rank));
  const rest = [...from];
  return Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!));
});
