import type { Operator } from './operator.ts';
import { add } from './add.ts';
import { averagePool, reduceMean, reduceSum } from './average_pool.ts';
import { binary } from './binary.ts';
import { concat } from './concat.ts';
import { conv } from './conv.ts';
import { dequantizeLinear } from './dequantize_linear.ts';
import { gemm } from './gemm.ts';
import { globalAveragePool } from './global_average_pool.ts';
import { batchMatMul } from './matmul.ts';
import { maxPool, reduceMax } from './max_pool.ts';
import { depthToSpace, spaceToDepth } from './moves/depth_to_space.ts';
import { pad } from './moves/pad.ts';
import { pick } from './moves/pick.ts';
import { flatten, identity, reshape, squeeze, unsqueeze } from './moves/reshape.ts';
import { resize } from './moves/resize.ts';
import { gatherAlong, slice, split } from './moves/slice.ts';
import { transpose } from './moves/transpose.ts';
import { multiply } from './multiply.ts';
import { quantizeLinear } from './quantize_linear.ts';
import { resizeBilinear } from './resize_bilinear.ts';
import { resizeLinear } from './resize_linear.ts';
import { shape } from './shapes.ts';
import { softmax } from './softmax.ts';
import { pairTable, table } from './table.ts';
import { unary } from './unary.ts';

/** Every operator: one file, one line. Table and PairTable are what engines make of functions of one or two bytes. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: gemm,
  BatchMatMul: batchMatMul,
  Add: add,
  Mul: multiply,
  Sub: binary,
  Maximum: binary,
  Minimum: binary,
  PRelu: binary,
  SquaredDifference: binary,
  Requantize: unary,
  Relu: unary,
  LeakyRelu: unary,
  Sigmoid: unary,
  Tanh: unary,
  HardSwish: unary,
  HardSigmoid: unary,
  Abs: unary,
  AddScalar: unary,
  Clip: unary,
  Complement: unary,
  Rescale: unary,
  Rsqrt: unary,
  Softmax: softmax,
  Table: table,
  PairTable: pairTable,
  GlobalAveragePool: globalAveragePool,
  AveragePool: averagePool,
  AdaptiveAveragePool: averagePool,
  ReduceMean: reduceMean,
  ReduceSum: reduceSum,
  MaxPool: maxPool,
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  Concat: concat,
  Reshape: reshape,
  Flatten: flatten,
  Identity: identity,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Slice: slice,
  Split: split,
  Gather: gatherAlong,
  Pad: pad,
  Pick: pick,
  Resize: resize,
  ResizeBilinear: resizeBilinear,
  ResizeLinear: resizeLinear,
  ReduceMax: reduceMax,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Shape: shape,
};
