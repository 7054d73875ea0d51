import { InvalidModelError } from '../../errors.ts';
import { elementCount, newElementData, type GraphNode } from '../../graph/graph.ts';
import { f32 } from '../../engines/rounding.ts';
import type { Layer } from '../layer.ts';
import {
  askEngine,
  expectOperands,
  isTrue,
  label,
  placeOf,
  refuse,
  type Operator,
  type OpContext,
} from '../operator.ts';
import { addendOf, endsOf, floatBias, floatConstant } from './conv.ts';
import { float32Of } from './element.ts';
import { sumProducts, wholeFours } from './product_sum.ts';

interface Product extends Omit<Layer<'conv_float32'>, 'kind' | 'node' | 'op' | 'reads' | 'writes'> {
  readonly shape: readonly number[];
}

/** As a convolution of images of one pixel. */
const PIXEL = { kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], size: [1, 1] } as const;

function productOf(node: GraphNode, context: OpContext): Product {
  const { shape } = context.info(node.inputs[0]!);
  const weight = floatConstant(node, context, node.inputs[1]!);
  if (weight.shape.length !== 2 || shape.length === 4 || shape.length === 0)
    return refuse(
      node,
      `float32 operands of shapes [${shape.join(', ')}] and [${weight.shape.join(', ')}]`,
      'inputs of 1, 2, 3, 5 or more dimensions, constant weights of two',
    );
  const transposed = isTrue(node, 'transB');
  const [depth, columns] = (transposed ? [...weight.shape].reverse() : weight.shape) as [number, number];
  if (depth !== shape.at(-1))
    throw new InvalidModelError(`${label(node)}: an input of ${shape.at(-1)} values, weights for ${depth}`);
  const rows = elementCount(shape.slice(0, -1));
  // constants of the file are packed; what a DequantizeLinear of the file makes of them is not
  const packed = isTrue(node, 'packed');
  // onnxruntime has two orders there, and which of them depends on the rest of the model
  if (rows === 1 && columns === 1 && !packed)
    refuse(node, 'one value, by weights of 8 bits', 'several, or float32 weights');
  const order = askEngine(node, () => float32Of(node, context).products({ rows, depth, columns, packed, transposed }));
  const data = weight.data as Float32Array;
  const bias = floatBias(node, context, columns);
  const isMatrix = shape.length === 2;
  const isAdded = node.op === 'MatMul' && (bias !== undefined || isTrue(node, 'added'));
  if (isAdded && (shape.length === 1 || (isMatrix && !bias)))
    return refuse(
      node,
      `its result of ${shape.length} dimensions is added to a tensor, of which onnxruntime makes one operator`,
      'a constant of one dimension behind results of two and more',
    );
  const addend = addendOf(node, context, [...shape.slice(0, -1), columns]);
  return {
    ...{ shape: [...shape.slice(0, -1), columns], window: PIXEL, groups: 1, along: 'channels' },
    order: { ...order, depth, from: wholeFours(columns) },
    filters: transposed ? data : data.map((_, i) => data[(i % depth) * columns + Math.floor(i / depth)]!),
    ...(bias && { bias, biasFirst: node.op === 'Gemm' || isMatrix || !isTrue(node, 'open') }),
    ...(addend && { addend, addendFirst: true }),
  };
}

/** Gemm and MatMul: x [..., C], w [C, O] (or [O, C] with transB), bias [O], with which sums begin, all float32; y [..., O]. */
export const floatGemm: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    return { name: node.outputs[0]!, type: 'float32', shape: productOf(node, context).shape };
  },

  reference(node, context, operand) {
    const product = productOf(node, context);
    const { shape, filters, order } = product;
    const { depth } = order;
    const outputs = shape.at(-1)!;
    const x = operand(0) as Float32Array;
    const { start, end } = endsOf(product, product.addend && (operand(3) as Float32Array));
    const data = newElementData('float32', elementCount(shape));
    for (let i = 0; i < data.length; i++) {
      const [row, o] = [Math.floor(i / outputs), i % outputs];
      const one = (k: number): number => f32(x[row * depth + k]! * filters[o * depth + k]!);
      data[i] = end(sumProducts(order, o, one, start(o, i)), o, i, 0);
    }
    return { data };
  },

  layer(node, context) {
    const { shape: _, ...product } = productOf(node, context);
    return { kind: 'conv_float32', ...placeOf(node, context), ...product };
  },
};
