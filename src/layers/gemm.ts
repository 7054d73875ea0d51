import { InvalidModelError } from '../errors.ts';
import type { GraphNode } from '../graph/graph.ts';
import { extent } from './layout.ts';
import { defineLinear, linearLayer, linearSums, weightsOf } from './linear/linear.ts';
import type { Linear } from './layer.ts';
import { referenceLinear } from './linear/reference.ts';
import {
  byteInput,
  expectOperands,
  isTrue,
  label,
  quantizedOutput,
  refuse,
  type OpContext,
  type Operator,
} from './operator.ts';

/** Weights of shape [in, out], or [out, in] where `transB` says so. */
function weightShape(node: GraphNode, context: OpContext): { inputs: number; outputs: number; transposed: boolean } {
  const { shape } = weightsOf(node, context);
  if (shape.length !== 2) return refuse(node, `weights of shape [${shape.join(', ')}]`, '2-D weights');
  const transposed = isTrue(node, 'transB');
  const [inputs, outputs] = transposed ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!];
  return { inputs, outputs, transposed };
}

function linearOf(node: GraphNode, context: OpContext): Linear {
  const { inputs, outputs, transposed } = weightShape(node, context);
  const weight = weightsOf(node, context);
  const raw = weight.data as Uint8Array | Int8Array;
  const weights = transposed ? raw : raw.map((_, i) => raw[(i % inputs) * outputs + Math.floor(i / inputs)]!);
  return {
    layer: linearLayer(node, context, {
      op: 'gemm',
      kernel: [1, 1],
      pads: [0, 0, 0, 0],
      groups: 1,
      inputChannels: inputs,
      outputChannels: outputs,
    }),
    input: extent(context.info(node.inputs[0]!)),
    output: extent(context.info(node.outputs[0]!)),
    weights,
    weightSigned: weight.type === 'int8',
    strides: [1, 1],
    dilations: [1, 1],
  };
}

/** Gemm and MatMul: x [N, C] 8 bits (of MatMul: [..., C]), w [C, O] (or [O, C] with transB) 8 bits, bias [O]; y [N, O] 8 bits. */
export const gemm: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    const input = byteInput(node, context);
    const { shape } = input;
    const [output] = node.outputs as [string];
    if (!context.quantizedType(output)) refuse(node, `a float32 output '${output}'`, 'a QuantizeLinear behind it');
    if (node.op === 'Gemm' ? shape.length !== 2 : shape.length === 4 || shape.length === 0)
      return refuse(
        node,
        `input of shape [${shape.join(', ')}]`,
        node.op === 'Gemm' ? '2-D inputs' : 'inputs of 1, 2, 3, 5 or more dimensions',
      );
    const { inputs, outputs } = weightShape(node, context);
    if (inputs !== shape.at(-1))
      throw new InvalidModelError(`${label(node)}: an input of ${shape.at(-1)} values, weights for ${inputs}`);
    return quantizedOutput(node, context, [...shape.slice(0, -1), outputs]);
  },
  reference: (node, context, operand) => referenceLinear(context, linearOf(node, context), operand(0)),
  define: (node, context) => defineLinear(linearOf(node, context)),
  layer: (node, context) => linearSums(node, context, linearOf(node, context)),
};
