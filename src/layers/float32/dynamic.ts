import type { GraphNode } from '../../graph/graph.ts';
import { expectOperands, placeOf, refuse, type Operator, type OpContext } from '../operator.ts';
import { float32Of } from './element.ts';

/** The first operand is float32, and the engine quantizes such tensors by their own range. */
function expectFloats(node: GraphNode, context: OpContext, count: number): void {
  expectOperands(node, count);
  const { name, type } = context.info(node.inputs[0]!);
  if (type !== 'float32') refuse(node, `'${name}' is ${type}`, 'float32');
  float32Of(node, context);
}

/** The smallest and the largest value of a float32 tensor, 0 among them: float32 [2]. */
export const dynamicRange: Operator = {
  infer(node, context) {
    expectFloats(node, context, 1);
    return { name: node.outputs[0]!, type: 'float32', shape: [2] };
  },
  reference: (node, context, operand) => ({
    data: Float32Array.from(float32Of(node, context).range(operand(0) as Float32Array)),
  }),
  layer: (node, context) => ({ kind: 'range', ...placeOf(node, context) }),
};

/** The scale that a range has: float32 []. */
export const dynamicScale: Operator = {
  infer(node, context) {
    expectFloats(node, context, 1);
    return { name: node.outputs[0]!, type: 'float32', shape: [] };
  },
  reference(node, context, operand) {
    const [least, most] = operand(0) as Float32Array;
    return { data: Float32Array.of(float32Of(node, context).scale(least!, most!)) };
  },
  layer: (node, context) => ({ kind: 'range_parameter', ...placeOf(node, context), parameter: 'scale' }),
};

/** The zero point that a range and its scale have: uint8 []. */
export const dynamicZeroPoint: Operator = {
  infer(node, context) {
    expectFloats(node, context, 2);
    return { name: node.outputs[0]!, type: 'uint8', shape: [] };
  },
  reference(node, context, operand) {
    const [range, scale] = [operand(0), operand(1)] as [Float32Array, Float32Array];
    return { data: Uint8Array.of(float32Of(node, context).zeroPoint(range[0]!, scale[0]!)) };
  },
  layer: (node, context) => ({ kind: 'range_parameter', ...placeOf(node, context), parameter: 'zero_point' }),
};

/** A float32 tensor as uint8, by a scale and a zero point that are tensors. */
export const dynamicQuantize: Operator = {
  infer(node, context) {
    expectFloats(node, context, 3);
    return { name: node.outputs[0]!, type: 'uint8', shape: context.info(node.inputs[0]!).shape };
  },
  reference(node, context, operand) {
    const [x, scale, zero] = [operand(0), operand(1), operand(2)] as [Float32Array, Float32Array, Uint8Array];
    return { data: Uint8Array.from(x, float32Of(node, context).quantize(scale[0]!, zero[0]!)) };
  },
  layer: (node, context) => ({ kind: 'dynamic_quantize', ...placeOf(node, context) }),
};
