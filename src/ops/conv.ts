import { InvalidModelError } from '../errors.ts';
import type { GraphNode } from '../graph/graph.ts';
import { extent } from './layout.ts';
import { expectByteInput, linearLayer, weightsOf, type Linear } from './linear/linear.ts';
import { linearVariants, lowerLinear } from './linear/lower.ts';
import { referenceLinear } from './linear/reference.ts';
import { expectOperands, integers, label, quantizedOutput, refuse, type Op, type OpContext } from './op.ts';

interface Window {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** ONNX's padding rules, explicit or automatic, for one dimension: [before, after]. */
function padding(mode: string, size: number, kernel: number, stride: number): [number, number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + kernel - size);
  const small = Math.floor(total / 2);
  return mode === 'SAME_UPPER' ? [small, total - small] : [total - small, small];
}

function windowOf(node: GraphNode, context: OpContext): Window {
  const shape = context.info(node.inputs[0]!).shape;
  const weight = weightsOf(node, context);
  if (shape.length !== 4 || weight.shape.length !== 4)
    return refuse(
      node,
      `input of shape [${shape.join(', ')}], weights [${weight.shape.join(', ')}]`,
      '2-D convolution',
    );
  const [height, width] = [shape[2]!, shape[3]!];
  const kernel: [number, number] = [weight.shape[2]!, weight.shape[3]!];
  const declared = integers(node, 'kernel_shape', 2, 0);
  if (declared[0] !== 0 && (declared[0] !== kernel[0] || declared[1] !== kernel[1]))
    throw new InvalidModelError(
      `${label(node)}: kernel_shape [${declared.join(', ')}], weights [${weight.shape.join(', ')}]`,
    );
  const [strideY, strideX] = integers(node, 'strides', 2, 1) as [number, number];
  const [dilationY, dilationX] = integers(node, 'dilations', 2, 1) as [number, number];
  const reach: [number, number] = [dilationY * (kernel[0] - 1) + 1, dilationX * (kernel[1] - 1) + 1];
  const mode = String(node.attributes['auto_pad'] ?? 'NOTSET');
  let pads = integers(node, 'pads', 4, 0) as [number, number, number, number];
  if (mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
    const y = padding(mode, height, reach[0], strideY);
    const x = padding(mode, width, reach[1], strideX);
    pads = [y[0], x[0], y[1], x[1]];
  } else if (mode === 'VALID') pads = [0, 0, 0, 0];
  else if (mode !== 'NOTSET') return refuse(node, `auto_pad ${mode}`, 'NOTSET, SAME_UPPER, SAME_LOWER, VALID');
  const groups = Number(node.attributes['group'] ?? 1);
  if (strideY < 1 || strideX < 1 || dilationY < 1 || dilationX < 1 || !Number.isInteger(groups) || groups < 1)
    throw new InvalidModelError(`${label(node)}: strides, dilations and group are positive integers`);
  if (shape[1] !== weight.shape[1]! * groups || weight.shape[0]! % groups !== 0)
    throw new InvalidModelError(
      `${label(node)}: input channels ${shape[1]}, weights [${weight.shape.join(', ')}], group ${groups} do not fit`,
    );
  const outHeight = Math.floor((height + pads[0] + pads[2] - reach[0]) / strideY) + 1;
  const outWidth = Math.floor((width + pads[1] + pads[3] - reach[1]) / strideX) + 1;
  if (outHeight < 1 || outWidth < 1)
    throw new InvalidModelError(
      `${label(node)}: a window of ${reach.join(' by ')} in an input of ${height} by ${width}`,
    );
  return {
    kernel,
    strides: [strideY, strideX],
    dilations: [dilationY, dilationX],
    pads,
    groups,
    outHeight,
    outWidth,
  };
}

export function linearOf(node: GraphNode, context: OpContext): Linear {
  const window = windowOf(node, context);
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
export const conv: Op = {
  infer(node, context) {
    expectOperands(node, 2);
    const input = context.info(node.inputs[0]!);
    expectByteInput(node, input);
    const { outHeight, outWidth } = windowOf(node, context);
    const channels = weightsOf(node, context).shape[0]!;
    return quantizedOutput(node, context, [input.shape[0]!, channels, outHeight, outWidth]);
  },
  reference: (node, context, operand) => referenceLinear(context, linearOf(node, context), operand(0)),
  lower: (node, context) => lowerLinear(node, context, linearOf(node, context)),
  variants: (node, context) => linearVariants(node, context, linearOf(node, context)),
};
