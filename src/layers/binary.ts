import type { GraphNode } from '../graph/graph.ts';
import {
  askEngine,
  byteInput,
  clampOf,
  expectOperands,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type OpContext,
  type Operator,
} from './operator.ts';
import { broadcastOf, pairLayer, referencePairs } from './pairs.ts';

type Pair = (a: number, b: number) => number;

function functionOf(node: GraphNode, context: OpContext, output = context.info(node.outputs[0]!)): Pair {
  const [a, b] = node.inputs.map((name) => context.info(name));
  const [qa, qb, qy] = [a!, b!, output].map((info) => tensorQuantization(node, info));
  const layer = { op: node.op, a: qa!, b: qb!, output: qy!, ...clampOf(node) };
  const f = askEngine(node, () => context.engine.binary?.(layer));
  return f ?? refuse(node, `engine '${context.engine.name}'`, `engines that define ${node.op} on bytes`);
}

/** An element-wise function of two 8-bit tensors, one of which may be broadcast, by the engine's own arithmetic. */
export const binary: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    for (const name of node.inputs) byteInput(node, context, name);
    const output = quantizedOutput(node, context, broadcastOf(node, context).large.shape);
    functionOf(node, context, output);
    return output;
  },
  reference: (node, context, operand) => referencePairs(node, context, operand, functionOf(node, context)),
  layer: (node, context) => pairLayer(node, context, functionOf(node, context)),
};
