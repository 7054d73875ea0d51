import type { Step } from '../../ops/step.ts';
import { fuseBlock } from './block.ts';
import { fuseEpilogue } from './epilogue.ts';
import type { Fused, FuseOptions } from './fused.ts';
import { fusePool } from './pool.ts';
import type { Fusion } from './fusion.ts';
import { Uses } from './uses.ts';

export { FUSIONS, type Fusion } from './fusion.ts';

/**
 * Fuses, step by step, until nothing is left to fuse. A fused step stands where the last of its parts stood: by then all
 * that it reads is computed.
 */
function fuseAll(
  given: readonly Step[],
  usesOf: (steps: readonly Step[]) => Uses,
  fuse: (step: Step, uses: Uses) => Fused | undefined,
): readonly Step[] {
  const uses = usesOf(given);
  let steps: readonly Step[] = given;
  for (let changed = true; changed;) {
    changed = false;
    const places = new Map(steps.map((step, place) => [step, place]));
    const standing: (Step | undefined)[] = [...steps];
    for (let place = 0; place < standing.length; place++) {
      const step = standing[place];
      const found = step && fuse(step, uses);
      if (!found) continue;
      changed = true;
      const gone = found.replaces.map((one) => places.get(one)!);
      for (const one of gone) standing[one] = undefined;
      const last = gone.reduce((most, one) => Math.max(most, one));
      standing[last] = found.step;
      places.set(found.step, last);
      uses.replace(found.replaces, found.step);
    }
    steps = standing.filter((step) => step !== undefined);
  }
  return steps;
}

/** Kernels from which fused steps are put together; see FuseOptions.lowerPlain. */
const PLAIN = ['pointwise', 'depthwise', 'conv', 'conv_pairs'];

/** Lowering proves a layer's requantization again, which takes a while: only where it is needed, and once. */
function onlyOnce(lower: (step: Step) => Step): (step: Step) => Step {
  const known = new Map<Step, Step>();
  return (step) => {
    const isPlain = PLAIN.includes(step.kernel) || !step.variant;
    const plain = isPlain ? step : (known.get(step) ?? lower(step));
    known.set(step, plain);
    return plain;
  };
}

/** The steps of a plan, and what is asked of them. */
export interface StepGraph {
  readonly steps: readonly Step[];
  readonly outputs: readonly string[];
  /** The tensor whose memory a view shares. */
  readonly memoryOf: (tensor: string) => string;
}

/**
 * Rewrites the steps of a plan into fewer ones that compute the same bits: tensors that only one other step reads,
 * and no output is, stay on the chip. What cannot be joined is left as it is.
 */
export function fuseSteps(graph: StepGraph, fusion: Fusion, given: FuseOptions): readonly Step[] {
  if (fusion === 'none') return graph.steps;
  const options = { ...given, lowerPlain: onlyOnce(given.lowerPlain) };
  const usesOf = (steps: readonly Step[]): Uses => new Uses(steps, graph.outputs, graph.memoryOf);
  let { steps } = graph;
  if (fusion === 'blocks') {
    steps = fuseAll(steps, usesOf, (step, uses) => fuseBlock(step, uses, options));
    steps = fuseAll(steps, usesOf, (step, uses) => fusePool(step, uses, options));
  }
  return fuseAll(steps, usesOf, fuseEpilogue);
}
