import type { Operator } from './operator.ts';
import { add } from './add.ts';
import { averagePool, reduceMean } from './average_pool.ts';
import { concat } from './concat.ts';
import { conv } from './conv.ts';
import { dequantizeLinear } from './dequantize_linear.ts';
import { gemm } from './gemm.ts';
import { globalAveragePool } from './global_average_pool.ts';
import { maxPool } from './max_pool.ts';
import { depthToSpace } from './moves/depth_to_space.ts';
import { pad } from './moves/pad.ts';
import { flatten, identity, reshape } from './moves/reshape.ts';
import { resize } from './moves/resize.ts';
import { split } from './moves/slice.ts';
import { transpose } from './moves/transpose.ts';
import { multiply } from './multiply.ts';
import { quantizeLinear } from './quantize_linear.ts';
import { gather, shape, sliced, squeezed, unsqueezed } from './shapes.ts';
import { pairTable, table } from './table.ts';

/** Every operator: one file, one line. Table and PairTable are what engines make of functions of one or two bytes. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: gemm,
  Add: add,
  Mul: multiply,
  Table: table,
  PairTable: pairTable,
  GlobalAveragePool: globalAveragePool,
  AveragePool: averagePool,
  ReduceMean: reduceMean,
  MaxPool: maxPool,
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  Concat: concat,
  Reshape: reshape,
  Flatten: flatten,
  Identity: identity,
  Squeeze: squeezed,
  Unsqueeze: unsqueezed,
  Transpose: transpose,
  Slice: sliced,
  Split: split,
  Gather: gather,
  Pad: pad,
  Resize: resize,
  DepthToSpace: depthToSpace,
  Shape: shape,
};
