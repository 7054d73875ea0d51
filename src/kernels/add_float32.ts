import type { TensorInfo } from '../graph/graph.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf, pack } from '../layers/layout.ts';
import { arithmetic } from './arithmetic.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step, type StepOperand } from './step.ts';
import type { Target } from './target.ts';

/** One value a channel, as a tensor. */
function vectorOf({ writes }: Layer<'add_float32'>): TensorInfo {
  return { name: '', type: 'float32', shape: [1, extent(writes).channels] };
}

/** The other operand: a tensor, or the constant as it lies in memory; and how many groups of four it has. */
export function otherOperand(layer: Layer<'add_float32'>): { operand: StepOperand; groups: number } {
  const { constant, perChannel, reads, writes } = layer;
  const info = perChannel ? vectorOf(layer) : writes;
  const groups = groupsOf(info);
  if (!constant) return { operand: { tensor: reads[1]!.name }, groups };
  return { operand: { data: new Uint32Array(pack(constant, info).buffer) }, groups };
}

/** A float32 add: four elements a thread. */
export function lowerFloatAdd(layer: Layer<'add_float32'>, target: Target): Step {
  const other = otherOperand(layer);
  const groups = groupsOf(layer.writes);
  return stepOf(layer, {
    operands: [{ tensor: layer.reads[0]!.name }, other.operand],
    ...useKernel('add_float32', {
      geometry: { groups, other_groups: other.groups, opaque: 0 },
      slots: arithmetic(layer, target),
    }),
    workgroups: threadGrid(groups),
  });
}
