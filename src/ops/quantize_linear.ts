import { byteRange, type GraphNode } from '../graph/graph.ts';
import type { StepFunctions, TensorQuantization } from '../engines/engine.ts';
import { floatOfKey, keyOfFloat } from '../requantize/float_keys.ts';
import { expectOperands, quantizedOutput, refuse, tensorQuantization, type Op, type OpContext } from './op.ts';
import { groupsOf } from './layout.ts';
import { KEY_FORMS, outputStage } from './requantization.ts';
import { threadGrid } from './step.ts';
import { KERNELS } from '../kernels/interfaces.ts';
import { useKernel } from '../kernels/kernel.ts';

const outputOf = (node: GraphNode, context: OpContext): TensorQuantization =>
  tensorQuantization(node, context.info(node.outputs[0]!));

/** A quantize as a step function of the float's key. */
export function stepFunctions(output: TensorQuantization, quantize: (x: number) => number): StepFunctions {
  const [min, max] = byteRange(output.type);
  // a float's key is no line of its value, so this slope fits no line form
  return { channels: 1, min, max, at: () => (key) => quantize(floatOfKey(key)), slope: () => 2 ** -24 };
}

/** QuantizeLinear: x float32, y 8 bits, any shape. */
export const quantizeLinear: Op = {
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
    const quantize = context.engine.quantize(output);
    const x = operand(0) as Float32Array;
    return { data: output.type === 'uint8' ? Uint8Array.from(x, quantize) : Int8Array.from(x, quantize) };
  },

  lower(node, context) {
    const output = outputOf(node, context);
    const range = { lo: Float64Array.of(keyOfFloat(-Infinity)), hi: Float64Array.of(keyOfFloat(Infinity)) };
    const stage = outputStage(stepFunctions(output, context.engine.quantize(output)), range, output, {
      ...context.preferences,
      forms: KEY_FORMS,
    });
    const groups = groupsOf(context.info(node.outputs[0]!));
    return {
      node: node.name,
      op: node.op,
      operands: [{ tensor: node.inputs[0]! }],
      output: node.outputs[0]!,
      parameters: stage.parameters,
      ...useKernel('quantize_linear', { geometry: { groups } }, stage),
      workgroups: threadGrid(Math.ceil(groups / KERNELS.quantize_linear.constants.WORDS)),
      macs: 0,
      accumulates: false,
      proof: stage.proof,
    };
  },
};
