import { f32 } from '../engines/rounding.ts';
import { byteRange, elementCount, isByteType, ofChannel, type Constant, type GraphNode } from '../graph/graph.ts';
import type { TensorQuantization } from '../engines/engine.ts';
import { expectOperands, placeOf, refuse, tensorQuantization, type Operator, type OpContext } from './operator.ts';
import type { Layer } from './layer.ts';
import { extent, type Extent } from './layout.ts';
import { tailAtEnd, tailOf } from './tail.ts';

/** A weight or bias that a float operator uses: real = scale * (q - zeroPoint), along the quantization's axis. */
function foldConstant(node: GraphNode, context: OpContext, constant: Constant): Constant | undefined {
  const { quantization, shape } = constant;
  if (!quantization || !(isByteType(constant.type) || constant.type === 'int32')) return undefined;
  const { scale, zeroPoint, axis = 0 } = quantization;
  const type = constant.type === 'int8' ? 'int8' : 'uint8';
  const inner = elementCount(shape.slice(axis + 1));
  const functions = Array.from(scale, (s, i) =>
    constant.type === 'int32'
      ? (q: number) => f32(f32((q - zeroPoint[i]!) | 0) * s)
      : context.engine.dequantize({ type, scale: s, zeroPoint: zeroPoint[i]! }),
  );
  const data = Float32Array.from(constant.data as Int8Array, (q, i) => {
    const index = scale.length === 1 ? 0 : Math.floor(i / inner) % scale.length;
    return functions[index]!(q);
  });
  return { name: node.outputs[0]!, type: 'float32', shape, data };
}

type Scaled = Pick<Layer<'scale'>, 'zeros' | 'scales'>;

/** int32 sums of products: scales and zero points of the whole tensor, or one for each channel. */
function scaledOf(node: GraphNode, context: OpContext): Scaled | undefined {
  const { type, quantization } = context.info(node.inputs[0]!);
  if (type !== 'int32' || !quantization) return undefined;
  return { zeros: quantization.zeroPoint, scales: Float32Array.from(quantization.scale) };
}

function scale(x: Int32Array, { channels, height, width }: Extent, { zeros, scales }: Scaled): Float32Array {
  const plane = height * width;
  return Float32Array.from(x, (v, i) => {
    const channel = Math.floor(i / plane) % channels;
    return f32((v - ofChannel(zeros, channel)) | 0) * ofChannel(scales, channel);
  });
}

const inputOf = (node: GraphNode, context: OpContext): TensorQuantization =>
  tensorQuantization(node, context.info(node.inputs[0]!));

/** DequantizeLinear: x 8 bits, y float32: a table of 256 values; or x int32, y = f32(f32(x - z) * s). */
export const dequantizeLinear: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = context.info(node.inputs[0]!);
    if (!scaledOf(node, context)) {
      if (!isByteType(input.type)) refuse(node, `input '${input.name}' is ${input.type}`, 'uint8, int8 inputs');
      tensorQuantization(node, input);
    }
    return { name: node.outputs[0]!, type: 'float32', shape: input.shape };
  },

  fold(node, context) {
    const constant = context.constant(node.inputs[0]!);
    return constant && foldConstant(node, context, constant);
  },

  reference(node, context, operand) {
    const { dequantize, tails } = context.engine;
    const scaled = scaledOf(node, context);
    if (scaled) return { data: scale(operand(0) as Int32Array, extent(context.info(node.inputs[0]!)), scaled) };
    const input = inputOf(node, context);
    const [body, tail] = [dequantize(input), tails?.dequantize(input)];
    const isTail = tailOf(tails ?? {}, context.info(node.inputs[0]!));
    return { data: Float32Array.from(operand(0) as Uint8Array, (q, i) => (tail && isTail(i) ? tail : body)(q)) };
  },

  define: (node, context) =>
    scaledOf(node, context) ? undefined : { kind: 'dequantize', input: inputOf(node, context) },

  layer(node, context) {
    const scaled = scaledOf(node, context);
    if (scaled) return { kind: 'scale', ...placeOf(node, context), ...scaled };
    const input = inputOf(node, context);
    const { dequantize, tails } = context.engine;
    const place = placeOf(node, context);
    const [min] = byteRange(input.type);
    const table = (f: (q: number) => number) => Float32Array.from({ length: 256 }, (_, code) => f(code + min));
    return {
      kind: 'table',
      ...place,
      values: table(dequantize(input)),
      ...tailAtEnd(tails?.isTail, place.writes, () => table(tails!.dequantize(input))),
    };
  },
};
