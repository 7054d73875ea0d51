import { InvalidModelError } from '../errors.ts';
import type { GraphNode, TensorInfo } from '../graph/graph.ts';
import { extent } from './layout.ts';
import { defineLinear, hasBytes, linearLayer, linearSums, weightsOf } from './linear/linear.ts';
import type { Linear, Window } from './layer.ts';
import { referenceLinear } from './linear/reference.ts';
import {
  byteInput,
  expectOperands,
  integers,
  label,
  quantizedOutput,
  refuse,
  type OpContext,
  type Operator,
} from './operator.ts';
import { windowOf } from './window.ts';

/** The window and the groups of a convolution, checked against its weights. */
export function geometryOf(
  node: GraphNode,
  context: OpContext,
  weight: Pick<TensorInfo, 'shape'> = weightsOf(node, context),
): Window & { readonly groups: number } {
  const { shape } = context.info(node.inputs[0]!);
  if (shape.length !== 4 || weight.shape.length !== 4)
    return refuse(
      node,
      `input of shape [${shape.join(', ')}], weights [${weight.shape.join(', ')}]`,
      '2-D convolution',
    );
  const kernel: [number, number] = [weight.shape[2]!, weight.shape[3]!];
  const declared = integers(node, 'kernel_shape', 2, 0);
  if (declared[0] !== 0 && (declared[0] !== kernel[0] || declared[1] !== kernel[1]))
    throw new InvalidModelError(
      `${label(node)}: kernel_shape [${declared.join(', ')}], weights [${weight.shape.join(', ')}]`,
    );
  const groups = Number(node.attributes['group'] ?? 1);
  if (!Number.isInteger(groups) || groups < 1)
    throw new InvalidModelError(`${label(node)}: group is a positive integer`);
  if (shape[1] !== weight.shape[1]! * groups || weight.shape[0]! % groups !== 0)
    throw new InvalidModelError(
      `${label(node)}: input channels ${shape[1]}, weights [${weight.shape.join(', ')}], group ${groups} do not fit`,
    );
  return { ...windowOf(node, kernel, [shape[2]!, shape[3]!]), groups };
}

function linearOf(node: GraphNode, context: OpContext): Linear {
  const window = geometryOf(node, context);
  const input = extent(context.info(node.inputs[0]!));
  const output = extent(context.info(node.outputs[0]!));
  const weight = weightsOf(node, context);
  return {
    layer: linearLayer(node, context, {
      op: 'conv',
      kernel: window.kernel,
      pads: window.pads,
      groups: window.groups,
      inputChannels: input.channels,
      outputChannels: output.channels,
    }),
    input,
    output,
    weights: weight.data as Uint8Array | Int8Array,
    weightSigned: weight.type === 'int8',
    strides: window.strides,
    dilations: window.dilations,
  };
}

/** Conv: x [N, C, H, W] 8 bits, w [O, C / group, kh, kw] 8 bits, bias [O] int32 or float32; y [N, O, H', W'] 8 bits. */
export const conv: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    const input = byteInput(node, context);
    const { size } = geometryOf(node, context);
    const channels = weightsOf(node, context).shape[0]!;
    return quantizedOutput(node, context, [input.shape[0]!, channels, ...size]);
  },
  reference: (node, context, operand) => referenceLinear(context, linearOf(node, context), operand(0)),
  define(node, context) {
    const linear = linearOf(node, context);
    // values with functions of their own are in no description
    const isWhole = !hasBytes(linear.layer) || !context.engine.linear(linear.layer).tail;
    return isWhole ? defineLinear(linear) : undefined;
  },
  layer: (node, context) => linearSums(node, context, linearOf(node, context)),
};
