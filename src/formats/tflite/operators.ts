import { pair, unary, relu, quantize, dequantize } from './elementwise.ts';
import { conv, depthwise, transposeConv, fullyConnected, batchMatMul } from './linear.ts';
import {
  reshaping,
  pad,
  padWith,
  outside,
  mirrored,
  slice,
  stridedSlice,
  transpose,
  blocks,
  resizeNearest,
  resizeBilinear,
  concatenation,
} from './moves.ts';
import type { Operation, GraphBuilder, Converter } from './operation.ts';
import { averagePool, maxPool, reduction, ofSums, ofLargest, softmax } from './pools.ts';

/** Every operator that is read; what each becomes in the graph. */
const CONVERTERS: Readonly<Record<string, Converter>> = {
  CONV_2D: conv,
  DEPTHWISE_CONV_2D: depthwise,
  TRANSPOSE_CONV: transposeConv,
  FULLY_CONNECTED: fullyConnected,
  BATCH_MATMUL: batchMatMul,
  ADD: pair('Add'),
  MUL: pair('Mul'),
  SUB: pair('Sub'),
  MAXIMUM: pair('Maximum', false),
  MINIMUM: pair('Minimum', false),
  PRELU: pair('PRelu', false),
  SQUARED_DIFFERENCE: pair('SquaredDifference', false),
  AVERAGE_POOL_2D: averagePool,
  MAX_POOL_2D: maxPool,
  MEAN: reduction(ofSums('ReduceMean')),
  SUM: reduction(ofSums('ReduceSum')),
  REDUCE_MAX: reduction(ofLargest(false)),
  REDUCE_MIN: reduction(ofLargest(true)),
  RESHAPE: reshaping,
  SQUEEZE: reshaping,
  EXPAND_DIMS: reshaping,
  PAD: pad,
  SOFTMAX: softmax,
  QUANTIZE: quantize,
  DEQUANTIZE: dequantize,
  RELU: relu('RELU'),
  RELU_N1_TO_1: relu('RELU_N1_TO_1'),
  RELU6: relu('RELU6'),
  LEAKY_RELU: unary('LeakyRelu', ({ options }) => ({ alpha: options?.float32(0) ?? 0 })),
  LOGISTIC: unary('Sigmoid'),
  TANH: unary('Tanh'),
  HARD_SWISH: unary('HardSwish'),
  ABS: unary('Abs'),
  RSQRT: unary('Rsqrt'),
  CONCATENATION: concatenation,
  PADV2: padWith(outside),
  MIRROR_PAD: padWith(mirrored),
  SLICE: slice,
  STRIDED_SLICE: stridedSlice,
  TRANSPOSE: transpose,
  DEPTH_TO_SPACE: blocks('DepthToSpace'),
  SPACE_TO_DEPTH: blocks('SpaceToDepth'),
  RESIZE_NEAREST_NEIGHBOR: resizeNearest,
  RESIZE_BILINEAR: resizeBilinear,
};

export const SUPPORTED_OPERATORS: readonly string[] = Object.keys(CONVERTERS);

export const isKnown = (name: string): boolean => Object.hasOwn(CONVERTERS, name);

export function convert(operation: Operation, builder: GraphBuilder): void {
  CONVERTERS[operation.name]!(operation, builder);
}
