import { InvalidModelError } from '../../errors.ts';
import { elementCount, isByteType, type Constant, type GraphNode, type TensorInfo } from '../../graph/graph.ts';
import { geometryOf } from '../conv.ts';
import type { Linear } from '../layer.ts';
import { extent } from '../layout.ts';
import { byteInput, expectOperands, label, refuse, type Operator, type OpContext } from '../operator.ts';
import { linearSums } from './linear.ts';
import { referenceLinear } from './reference.ts';

type Weights = Constant & { readonly type: 'uint8' | 'int8' };

function weightsOf(node: GraphNode, context: OpContext): Weights {
  const name = node.inputs[1]!;
  const weight = context.constant(name);
  if (!weight) return refuse(node, `weights '${name}' are computed`, 'constant weights');
  const { type } = weight;
  return isByteType(type) ? { ...weight, type } : refuse(node, `weights '${name}' are ${type}`, 'uint8, int8');
}

/** The tensor of the input's zero point, where that is computed. */
function computedZero(node: GraphNode, context: OpContext): TensorInfo | undefined {
  const name = node.inputs[2];
  if (!name || context.constant(name)) return undefined;
  const info = context.info(name);
  return elementCount(info.shape) === 1 ? info : refuse(node, `zero points '${name}' for rows`, 'one for all');
}

/** The zero points of the weights: one, or one an output channel. */
function weightZeros(node: GraphNode, context: OpContext, channels: number): Int32Array {
  const name = node.inputs[3];
  if (!name) return new Int32Array(1);
  const zero = context.constant(name);
  if (!zero) return refuse(node, `the weights' zero point '${name}' is computed`, 'constants');
  if (zero.data.length !== 1 && zero.data.length !== channels)
    throw new InvalidModelError(`${label(node)}: ${zero.data.length} zero points for ${channels} channels`);
  return Int32Array.from(zero.data as Uint8Array);
}

/** The layer, as one whose operands have a scale of 1. A zero point that is computed is left out of it. */
function sumsOf(
  node: GraphNode,
  context: OpContext,
  shape: Pick<Linear['layer'], 'op' | 'kernel' | 'pads' | 'groups' | 'inputChannels' | 'outputChannels'>,
): Linear['layer'] {
  const zero = context.constant(node.inputs[2] ?? '');
  const { type } = byteInput(node, context);
  return {
    ...shape,
    input: { type: type as 'uint8' | 'int8', scale: 1, zeroPoint: zero ? Number(zero.data[0]) : 0 },
    weightScale: Float32Array.of(1),
    weightType: weightsOf(node, context).type,
    weightZeroPoint: weightZeros(node, context, shape.outputChannels),
  };
}

/** sum((x - zx) * (w - zw)), int32; zx may be computed. */
const integerOperator = (
  shapeOf: (node: GraphNode, context: OpContext) => readonly number[],
  linearOf: (node: GraphNode, context: OpContext) => Linear,
): Operator => ({
  infer(node, context) {
    expectOperands(node, 2);
    byteInput(node, context);
    computedZero(node, context);
    return { name: node.outputs[0]!, type: 'int32', shape: shapeOf(node, context) };
  },
  reference(node, context, operand) {
    const linear = linearOf(node, context);
    const { layer } = linear;
    const zeroPoint = computedZero(node, context) ? Number(operand(2)[0]) : layer.input.zeroPoint;
    return referenceLinear(
      context,
      { ...linear, layer: { ...layer, input: { ...layer.input, zeroPoint } } },
      operand(0),
    );
  },
  layer(node, context) {
    const zero = computedZero(node, context);
    return { ...linearSums(node, context, linearOf(node, context)), ...(zero && { zero }) };
  },
});

function expectOneZero(node: GraphNode, context: OpContext): void {
  if (weightZeros(node, context, weightsOf(node, context).shape[0]!).length !== 1)
    refuse(node, 'zero points for channels of weights, which onnxruntime does not run', 'one for all');
}

/** ConvInteger: x [N, C, H, W], w [O, C / group, kh, kw], zx [], zw [], 8 bits; y [N, O, H', W'] int32. */
export const convInteger = integerOperator(
  (node, context) => {
    expectOneZero(node, context);
    const weight = weightsOf(node, context);
    const { size } = geometryOf(node, context, weight);
    return [context.info(node.inputs[0]!).shape[0]!, weight.shape[0]!, ...size];
  },
  (node, context) => {
    const weight = weightsOf(node, context);
    const { kernel, pads, groups, strides, dilations } = geometryOf(node, context, weight);
    const [input, output] = [node.inputs[0]!, node.outputs[0]!].map((name) => extent(context.info(name)));
    const [inputChannels, outputChannels] = [input!.channels, output!.channels];
    return {
      layer: sumsOf(node, context, { op: 'conv', kernel, pads, groups, inputChannels, outputChannels }),
      input: input!,
      output: output!,
      weights: weight.data as Uint8Array | Int8Array,
      weightSigned: weight.type === 'int8',
      strides,
      dilations,
    };
  },
);

/** MatMulInteger: x [..., K], w [K, N], zx [], zw [] or [N], 8 bits; y [..., N] int32. */
export const matmulInteger = integerOperator(
  (node, context) => {
    const { shape } = context.info(node.inputs[0]!);
    const weight = weightsOf(node, context);
    if (weight.shape.length !== 2 || shape.length === 4 || shape.length === 0)
      return refuse(
        node,
        `operands of shapes [${shape.join(', ')}] and [${weight.shape.join(', ')}]`,
        'inputs of 1, 2, 3, 5 or more dimensions, weights of two',
      );
    if (weight.shape[0] !== shape.at(-1))
      throw new InvalidModelError(`${label(node)}: an input of ${shape.at(-1)} values, weights for ${weight.shape[0]}`);
    return [...shape.slice(0, -1), weight.shape[1]!];
  },
  (node, context) => {
    const weight = weightsOf(node, context);
    const [inputs, outputs] = weight.shape as [number, number];
    const raw = weight.data as Uint8Array | Int8Array;
    return {
      layer: sumsOf(node, context, {
        op: 'gemm',
        kernel: [1, 1],
        pads: [0, 0, 0, 0],
        groups: 1,
        inputChannels: inputs,
        outputChannels: outputs,
      }),
      input: extent(context.info(node.inputs[0]!)),
      output: extent(context.info(node.outputs[0]!)),
      weights: raw.map((_, i) => raw[(i % inputs) * outputs + Math.floor(i / inputs)]!),
      weightSigned: weight.type === 'int8',
      strides: [1, 1],
      dilations: [1, 1],
    };
  },
);
