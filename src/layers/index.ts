import type { Operator } from './operator.ts';
import { add, isBroadcast } from './add.ts';
import { averagePool, reduceMean, reduceSum } from './average_pool.ts';
import { binary } from './binary.ts';
import { concat } from './concat.ts';
import { conv } from './conv.ts';
import { dequantizeLinear } from './dequantize_linear.ts';
import { dynamicQuantize, dynamicRange, dynamicScale, dynamicZeroPoint } from './float32/dynamic.ts';
import { floatConv } from './float32/conv.ts';
import { floatConvTranspose } from './float32/conv_transpose.ts';
import { cast, elementwise, operation, orFloat32 } from './float32/element.ts';
import {
  floatAveragePool,
  floatGlobalAveragePool,
  floatMaxPool,
  floatReduceMax,
  floatReduceMean,
} from './float32/pool.ts';
import { floatResizeLinear } from './float32/resize_linear.ts';
import { floatGemm } from './float32/gemm.ts';
import { floatSoftmax } from './float32/softmax.ts';
import { gemm } from './gemm.ts';
import { globalAveragePool } from './global_average_pool.ts';
import { convInteger, matmulInteger } from './linear/integer.ts';
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
  Conv: orFloat32(conv, floatConv),
  ConvTranspose: floatConvTranspose,
  Gemm: orFloat32(gemm, floatGemm),
  MatMul: orFloat32(gemm, floatGemm),
  BatchMatMul: batchMatMul,
  Add: orFloat32(add, operation, isBroadcast),
  ConvInteger: convInteger,
  MatMulInteger: matmulInteger,
  DynamicRange: dynamicRange,
  DynamicScale: dynamicScale,
  DynamicZeroPoint: dynamicZeroPoint,
  DynamicQuantizeLinear: dynamicQuantize,
  Cast: cast,
  Mul: orFloat32(multiply, operation),
  Div: operation,
  Sub: orFloat32(binary, operation),
  Maximum: binary,
  Minimum: binary,
  PRelu: orFloat32(binary, operation),
  SquaredDifference: binary,
  Requantize: unary,
  Relu: orFloat32(unary, elementwise),
  LeakyRelu: orFloat32(unary, elementwise),
  Sigmoid: orFloat32(unary, elementwise),
  Tanh: orFloat32(unary, elementwise),
  HardSwish: orFloat32(unary, elementwise),
  HardSigmoid: orFloat32(unary, elementwise),
  Abs: orFloat32(unary, elementwise),
  AddScalar: unary,
  Clip: orFloat32(unary, elementwise),
  Neg: elementwise,
  Erf: elementwise,
  Exp: elementwise,
  Pow: elementwise,
  Sqrt: elementwise,
  Reciprocal: elementwise,
  Complement: unary,
  Rescale: unary,
  Rsqrt: unary,
  Softmax: orFloat32(softmax, floatSoftmax),
  Table: table,
  PairTable: pairTable,
  GlobalAveragePool: orFloat32(globalAveragePool, floatGlobalAveragePool),
  AveragePool: orFloat32(averagePool, floatAveragePool),
  AdaptiveAveragePool: averagePool,
  ReduceMean: orFloat32(reduceMean, floatReduceMean),
  ReduceSum: reduceSum,
  MaxPool: orFloat32(maxPool, floatMaxPool),
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
  ResizeLinear: orFloat32(resizeLinear, floatResizeLinear),
  ReduceMax: orFloat32(reduceMax, floatReduceMax),
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Shape: shape,
};
