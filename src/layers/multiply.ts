import {
  askEngine,
  byteInput,
  clampOf,
  expectOperands,
  quantizedOutput,
  refuse,
  type OpContext,
  type Operator,
} from './operator.ts';
import { broadcastOf, pairLayer, pairOf, referencePairs } from './pairs.ts';
import type { GraphNode } from '../graph/graph.ts';

function product(node: GraphNode, context: OpContext): (a: number, b: number) => number {
  const { multiply } = context.engine;
  if (!multiply)
    return refuse(node, `engine '${context.engine.name}'`, 'engines that define a multiplication: onnxruntime');
  return askEngine(node, () => multiply({ ...pairOf(node, context), ...clampOf(node) }));
}

/** Mul of two 8-bit tensors, one of which may be broadcast (as in squeeze-and-excitation): one code for each pair. */
export const multiply: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    for (const name of node.inputs) byteInput(node, context, name);
    if (!context.engine.multiply) product(node, context);
    return quantizedOutput(node, context, broadcastOf(node, context).large.shape);
  },
  reference: (node, context, operand) => referencePairs(node, context, operand, product(node, context)),
  layer: (node, context) => pairLayer(node, context, product(node, context)),
};
