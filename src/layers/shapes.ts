import { elementCount, type Constant, type GraphNode } from '../graph/graph.ts';
import { gatherAlong, slice, slicesOf } from './moves/slice.ts';
import { squeeze, unsqueeze } from './moves/reshape.ts';
import { expectOperands, refuse, type Operator, type OpContext } from './operator.ts';

/**
 * Shape arithmetic (the Shape, Gather, Unsqueeze, Concat tail that exporters put before a Reshape): small
 * integer tensors that follow from shapes, and are constants once those are known. Nothing of it reaches the GPU.
 */
type Fold = (node: GraphNode, context: OpContext, operands: readonly Constant[]) => readonly [BigInt64Array, number[]];

/** The output as a constant where all operands are constants of int64, and there are any. */
function folding(compute: Fold): NonNullable<Operator['fold']> {
  return (node, context) => {
    expectOperands(node, 1);
    const operands = node.inputs.filter((input) => input !== '').map((input) => context.constant(input));
    if (!operands.every((operand) => operand?.data instanceof BigInt64Array)) return undefined;
    const [data, shape] = compute(node, context, operands as Constant[]);
    return { name: node.outputs[0]!, type: 'int64', shape, data };
  };
}

const values = (constant: Constant): BigInt64Array => constant.data as BigInt64Array;

const never = (node: GraphNode): never => refuse(node, 'operands that are computed at run time', 'shape arithmetic');

export const shape: Operator = {
  infer: never,
  reference: never,
  layer: never,
  fold(node, context) {
    expectOperands(node, 1);
    const dims = context.info(node.inputs[0]!).shape;
    const from = Number(node.attributes['start'] ?? 0);
    const to = Number(node.attributes['end'] ?? dims.length);
    const data = BigInt64Array.from(dims.slice(from, to), BigInt);
    return { name: node.outputs[0]!, type: 'int64', shape: [data.length], data };
  },
};

export const gather: Operator = {
  ...gatherAlong,
  fold: folding((node, _context, [from, indices]) => {
    if (!from || !indices || from.shape.length !== 1 || Number(node.attributes['axis'] ?? 0) !== 0)
      return refuse(node, 'a gather from more than one dimension', 'shape arithmetic');
    const data = BigInt64Array.from(values(indices), (index) => values(from).at(Number(index)) ?? 0n);
    return [data, [...indices.shape]];
  }),
};

/** Values unchanged, in the shape that `op` infers. */
const reshaped = (op: Operator): Operator => ({
  ...op,
  fold: folding((node, _context, [from]) => {
    const shape = node.op === 'Unsqueeze' ? [elementCount(from!.shape)] : [];
    if (from!.shape.length > 1 || elementCount(from!.shape) !== elementCount(shape))
      return refuse(node, 'more than one dimension', 'shape arithmetic');
    return [values(from!), shape];
  }),
});

export const unsqueezed = reshaped(unsqueeze);
export const squeezed = reshaped(squeeze);

export const sliced: Operator = {
  ...slice,
  fold: folding((node, context, [from]) => {
    if (from!.shape.length !== 1) return refuse(node, 'more than one dimension', 'shape arithmetic');
    const [indices] = slicesOf(node, context, from!.shape) as [number[]];
    return [BigInt64Array.from(indices, (i) => values(from!)[i]!), [indices.length]];
  }),
};

/** Concatenated again and again, shapes would double each time. */
const MOST_VALUES = 2 ** 16;

export const concatShapes = folding((node, _context, operands) => {
  if (operands.some((operand) => operand.shape.length !== 1))
    return refuse(node, 'a concatenation of more than one dimension', 'shape arithmetic');
  const length = operands.reduce((sum, { data }) => sum + data.length, 0);
  if (length > MOST_VALUES) return refuse(node, `a shape of ${length} values`, `up to ${MOST_VALUES}`);
  const data = BigInt64Array.from(operands.flatMap((operand) => [...values(operand)]));
  return [data, [data.length]];
});
