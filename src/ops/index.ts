import type { Op } from './op.ts';
import { add } from './add.ts';
import { conv } from './conv.ts';
import { dequantizeLinear } from './dequantize_linear.ts';
import { gemm } from './gemm.ts';
import { globalAveragePool } from './global_average_pool.ts';
import { quantizeLinear } from './quantize_linear.ts';
import { concat, gather, shape, unsqueeze } from './shapes.ts';
import { flatten, identity, reshape } from './views.ts';

/** Every operator: one file, one line. */
export const OPS: Readonly<Record<string, Op>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: gemm,
  Add: add,
  GlobalAveragePool: globalAveragePool,
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  Reshape: reshape,
  Flatten: flatten,
  Identity: identity,
  Shape: shape,
  Gather: gather,
  Unsqueeze: unsqueeze,
  Concat: concat,
};
