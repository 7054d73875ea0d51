import type { PlanCost, StepCost } from '../../src/plan/cost.ts';
import type { Bound } from '../bench/roofline.ts';
import type { Device } from './gpus.ts';

/** Least times, in milliseconds, if a device did what its figures say. */
export interface StepPrediction {
  readonly computeMs: number;
  readonly memoryMs: number;
  readonly dispatchMs: number;
  readonly ms: number;
  /** Which of the three takes longest. */
  readonly bound: Bound;
}

export interface PlanPrediction {
  readonly ms: number;
  /** How many dispatches are bound by what. */
  readonly bounds: Readonly<Record<Bound, number>>;
  readonly steps: readonly StepPrediction[];
}

/**
 * Arithmetic and memory overlap, and the dispatch comes before both. Distinct bytes cross the memory bus; what tiles
 * read again is taken to come from caches. A step of fewer workgroups than processors uses no more than that many.
 */
export function predictStep({ computedMacs, bytes, workgroups }: StepCost, device: Device): StepPrediction {
  const share = Math.min(1, workgroups / device.processors);
  const computeMs = computedMacs / (device.tmacs * share) / 1e9;
  const memoryMs = bytes / device.gbytes / 1e6;
  const dispatchMs = device.dispatchUs / 1e3;
  const most = Math.max(computeMs, memoryMs, dispatchMs);
  return {
    computeMs,
    memoryMs,
    dispatchMs,
    ms: Math.max(computeMs, memoryMs) + dispatchMs,
    bound: most === dispatchMs ? 'dispatch' : most === computeMs ? 'compute' : 'memory',
  };
}

export function predictPlan({ steps }: PlanCost, device: Device): PlanPrediction {
  const predictions = steps.map((step) => predictStep(step, device));
  const bounds: Record<Bound, number> = { compute: 0, memory: 0, dispatch: 0 };
  for (const { bound } of predictions) bounds[bound]++;
  return { ms: predictions.reduce((sum, { ms }) => sum + ms, 0), bounds, steps: predictions };
}
