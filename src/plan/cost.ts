import { packedBytes } from '../layers/layout.ts';
import { tensorsRead, type Step } from '../kernels/step.ts';
import { lifetimes } from './buffers.ts';
import type { Plan } from './plan.ts';

/** What a dispatch asks of a device, counted from the plan. */
export interface StepCost {
  /** Multiply-adds of the layers it computes. */
  readonly macs: number;
  /** Multiply-adds that its kernel does: with the halo of tiles, which several workgroups compute. */
  readonly computedMacs: number;
  /** Distinct bytes: each tensor, weight and table that it reads or writes, once. What caches cannot save. */
  readonly bytes: number;
  /** Bytes that workgroups load again, each for itself: halos and weights of tiles. Caches may hold them. */
  readonly rereadBytes: number;
  readonly workgroups: number;
  /** Workgroup memory of one workgroup. */
  readonly workgroupBytes: number;
}

export interface PlanCost {
  readonly dispatches: number;
  readonly macs: number;
  readonly computedMacs: number;
  readonly bytes: number;
  readonly rereadBytes: number;
  readonly steps: readonly StepCost[];
}

/** Bytes of the weights, tables and parameters that a step brings with it. */
function constantBytes({ operands, parameters }: Step): number {
  const data = [...operands.map((operand) => ('data' in operand ? operand.data : operand)), ...parameters];
  return data.reduce((sum, one) => sum + ('tensor' in one ? 0 : one.byteLength), 0);
}

export function stepCost(step: Step, { tensors }: Pick<Plan, 'tensors'>): StepCost {
  const tensorBytes = (name: string): number => packedBytes(tensors.get(name)!);
  const read = [...new Set(tensorsRead(step))].reduce((sum, name) => sum + tensorBytes(name), 0);
  const bytes = read + constantBytes(step) + tensorBytes(step.output);
  return {
    macs: step.macs,
    computedMacs: step.tiling?.macs ?? step.macs,
    bytes,
    rereadBytes: step.tiling ? Math.max(0, step.tiling.loadedBytes + tensorBytes(step.output) - bytes) : 0,
    workgroups: step.workgroups[0] * step.workgroups[1] * step.workgroups[2],
    workgroupBytes: step.workgroupBytes ?? 0,
  };
}

/** A whole inference, and each of its dispatches. */
export function planCost(plan: Pick<Plan, 'tensors' | 'steps'>): PlanCost {
  const steps = plan.steps.map((step) => stepCost(step, plan));
  const sum = (of: (cost: StepCost) => number): number => steps.reduce((total, cost) => total + of(cost), 0);
  return {
    dispatches: steps.length,
    macs: sum(({ macs }) => macs),
    computedMacs: sum(({ computedMacs }) => computedMacs),
    bytes: sum(({ bytes }) => bytes),
    rereadBytes: sum(({ rereadBytes }) => rereadBytes),
    steps,
  };
}

/** Bytes of activations: what a plan has for them, and what no plan of its steps can do with less than. */
interface PlanMemory {
  readonly allocatedBytes: number;
  /** The most that is needed at one time: by a step's operands and output, and whatever is read later. */
  readonly leastBytes: number;
}

export function planMemory({ graph, tensors, steps, views, buffers }: Plan): PlanMemory {
  const lives = lifetimes(graph, steps, (name) => views.get(name) ?? name);
  // what begins and what has ended at each step
  const changes = new Float64Array(steps.length + 2);
  for (const [name, { from, to }] of lives) {
    const bytes = packedBytes(tensors.get(name)!);
    changes[from]! += bytes;
    changes[to + 1]! -= bytes;
  }
  let [needed, leastBytes] = [0, 0];
  for (const change of changes.subarray(0, steps.length)) leastBytes = Math.max(leastBytes, (needed += change));
  return { allocatedBytes: buffers.reduce((sum, bytes) => sum + bytes, 0), leastBytes };
}
