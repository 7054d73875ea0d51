import { byteRange, type GraphNode } from '../graph/graph.ts';
import type { StepFunctions, TensorQuantization } from '../engines/engine.ts';
import { floatOfKey, keyOfFloat } from '../requantize/float_keys.ts';
import {
  expectOperands,
  placeOf,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type Operator,
  type OpContext,
} from './operator.ts';
import { tailAtEnd, tailOf } from './tail.ts';

const outputOf = (node: GraphNode, context: OpContext): TensorQuantization =>
  tensorQuantization(node, context.info(node.outputs[0]!));

/** The keys of all floats. */
export const ALL_FLOATS = { lo: Float64Array.of(keyOfFloat(-Infinity)), hi: Float64Array.of(keyOfFloat(Infinity)) };

/** A quantize as a step function of the float's key. */
export function stepFunctions(type: 'uint8' | 'int8', quantize: (x: number) => number): StepFunctions {
  const [min, max] = byteRange(type);
  // a float's key is no line of its value, so this slope fits no line form
  return { channels: 1, min, max, at: () => (key) => quantize(floatOfKey(key)), slope: () => 2 ** -24 };
}

/** QuantizeLinear: x float32, y 8 bits, any shape. */
export const quantizeLinear: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = context.info(node.inputs[0]!);
    if (input.type !== 'float32') refuse(node, `input '${input.name}' is ${input.type}`, 'float32 inputs');
    const output = quantizedOutput(node, context, input.shape);
    tensorQuantization(node, output);
    return output;
  },

  reference(node, context, operand) {
    const output = outputOf(node, context);
    const { engine } = context;
    const x = operand(0) as Float32Array;
    const [body, tail] = [engine.quantize(output), engine.tails?.quantize(output)];
    const isTail = tailOf(engine.tails ?? {}, context.info(node.inputs[0]!));
    const quantize = (v: number, i: number): number => (tail && isTail(i) ? tail : body)(v);
    return { data: output.type === 'uint8' ? Uint8Array.from(x, quantize) : Int8Array.from(x, quantize) };
  },

  define: (node, context) => ({ kind: 'quantize', output: outputOf(node, context) }),

  layer(node, context) {
    const output = outputOf(node, context);
    const { engine } = context;
    const place = placeOf(node, context);
    return {
      kind: 'quantize',
      ...place,
      functions: stepFunctions(output.type, engine.quantize(output)),
      range: ALL_FLOATS,
      ...tailAtEnd(engine.tails?.isTail, place.writes, () =>
        stepFunctions(output.type, engine.tails!.quantize(output)),
      ),
    };
  },
};
