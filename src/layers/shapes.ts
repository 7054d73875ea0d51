import type { GraphNode } from '../graph/graph.ts';
import { expectOperands, refuse, type Operator } from './operator.ts';

const never = (node: GraphNode): never => refuse(node, 'operands that are computed at run time', 'shape arithmetic');

/** Shape: a constant once the shape of its operand is known. What follows from it alone is one, too (graph/fold.ts). */
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
