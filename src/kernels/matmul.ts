import type { Layer } from '../layers/layer.ts';
import type { TensorInfo } from '../graph/graph.ts';
import { groupsOf } from '../layers/layout.ts';
import { pairOperand } from './add.ts';
import { useKernel } from './kernel.ts';
import { byteType, codeOfZero, outputStage, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** A product of computed matrices: four columns of a row a thread. */
export function lowerMatmul(layer: Layer<'matmul'>, { preferences }: Target): Step {
  const [a, b] = layer.reads as [TensorInfo, TensorInfo];
  const [images, rows, columns] = layer.writes.shape as [number, number, number];
  const depth = a.shape[2]!;
  const stage = outputStage(layer, preferences);
  const groups = groupsOf(layer.writes);
  return stepOf(layer, {
    ...useKernel(
      'matmul',
      {
        geometry: {
          groups,
          rows,
          depth,
          a_groups: Math.ceil(depth / 4),
          out_groups: Math.ceil(columns / 4),
          a_sign: signMask(byteType(a)),
          b_sign: signMask(byteType(b)),
          a_zero: codeOfZero(a),
          b_zero: codeOfZero(b),
        },
      },
      stage,
    ),
    operands: [pairOperand(layer, a), pairOperand(layer, b)],
    parameters: stage.parameters,
    workgroups: threadGrid(groups),
    macs: images * rows * columns * depth,
    accumulates: true,
    proof: stage.proof,
  });
}
