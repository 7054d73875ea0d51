import { featuresOf, profileOf, requestDevice } from '../../../src/gpu/device.ts';
import { Executable } from '../../../src/gpu/executable.ts';
import type { TakenInputs } from '../../../src/gpu/inputs.ts';
import { PipelineCache } from '../../../src/gpu/pipelines.ts';
import { readModel } from '../../../src/formats/index.ts';
import { findEngine } from '../../../src/engines/index.ts';
import { withOutput } from '../../../src/kernels/kernel.ts';
import type { RemoteModel } from '../../worker/remote.ts';
import type { Step } from '../../../src/kernels/step.ts';
import { stepCost } from '../../../src/plan/cost.ts';
import { createPlan, type Plan } from '../../../src/plan/plan.ts';
import { stepKind, type LayerKind } from '../work.ts';
import { summarize, type Summary } from '../statistics.ts';
import { PassTimer } from './timer.ts';

/** One dispatch of a plan, measured by itself. */
export interface LayerTiming {
  readonly name: string;
  readonly op: string;
  readonly kernel: string;
  /** Which of the layer's kernel variants, where there are several. */
  readonly variant?: string;
  readonly kind: LayerKind;
  /** The proved requantization, where it has one. */
  readonly form?: string;
  readonly macs: number;
  readonly bytes: number;
  readonly ms: Summary;
  /** Without requantization and packing (shaders/output/folded.wgsl), where it has them. */
  readonly bareMs?: Summary;
}

const SAMPLES = 5;
/** Long against a timestamp's quantum of 0.1 ms. */
const SAMPLE_MS = 4;
const MOST_REPEATS = 256;

/**
 * Times each dispatch of a plan: a plan that repeats it in one pass, several times. Repeating a step changes nothing
 * that it reads, since no step writes its own operands.
 *
 * @param budgetMs about how long all may take; fewer samples are taken where it is short
 */
export async function measureLayers(
  model: Uint8Array,
  { engine: { name, options }, shapes, outputs }: Omit<RemoteModel, 'path'>,
  budgetMs: number,
): Promise<LayerTiming[]> {
  const graph = readModel(model, { outputs });
  const engine = findEngine(name, options);
  const device = await requestDevice(['timestamp-query']);
  const plan = createPlan(graph, { engine, shapes, features: await featuresOf(device), profile: profileOf(device) });
  const timer = new PassTimer(device);
  const deadline = performance.now() + budgetMs;
  try {
    const timings: LayerTiming[] = [];
    for (const [index, step] of plan.steps.entries()) {
      const left = (deadline - performance.now()) / (plan.steps.length - index);
      const bare = withoutRequantization(step);
      const [ms, bareMs] = await timeSteps(timer, plan, bare ? [step, bare] : [step], left);
      timings.push({
        name: step.node,
        op: step.op,
        kernel: step.kernel,
        ...(step.variant && { variant: [step.variant.variant, step.variant.tile].filter(Boolean).join(' ') }),
        kind: stepKind(step),
        ...(step.proof && { form: step.proof.form }),
        macs: step.macs,
        bytes: stepCost(step, plan).bytes,
        ms: ms!,
        ...(bareMs && { bareMs }),
      });
    }
    return timings;
  } finally {
    timer.release();
    device.destroy();
  }
}

/** The same step with its sums merely kept alive; undefined where it has no requantization behind sums. */
function withoutRequantization(step: Step): Step | undefined {
  if (!step.accumulates || step.slots['output'] !== 'output/codes') return undefined;
  return { ...step, ...withOutput(step, 'output/folded'), parameters: [] };
}

/** Steps read what their buffers hold: zeros, which take as long as any values. */
const NO_INPUTS: TakenInputs = { packed: new Map(), buffers: new Map() };

/** Dispatches that are timed together, one after the other, over a plan's buffers. */
interface Sequence {
  readonly plan: Plan;
  readonly steps: readonly Step[];
}

/** Takes turns, so that what disturbs one step disturbs the other. */
function timeSteps(timer: PassTimer, plan: Plan, steps: readonly Step[], budgetMs: number): Promise<Summary[]> {
  const sequences = steps.map((step) => ({ plan, steps: [step] }));
  return timeSequences(timer, sequences, budgetMs);
}

/** @param hopeless what takes so many times the fastest's time is timed once */
export async function timeSequences(
  timer: PassTimer,
  sequences: readonly Sequence[],
  budgetMs: number,
  hopeless = Infinity,
): Promise<Summary[]> {
  const begin = performance.now();
  const prepared = [] as Awaited<ReturnType<typeof prepare>>[];
  for (const sequence of sequences) prepared.push(await prepare(timer, sequence));
  const samples = sequences.map(() => [] as number[]);
  for (let round = 0; round < SAMPLES && (round === 0 || performance.now() - begin < budgetMs); round++) {
    const best = Math.min(...samples.flat());
    for (const [i, { executable, repeats }] of prepared.entries())
      if (round === 0 || samples[i]![0]! < hopeless * best)
        samples[i]!.push((await timer.time(() => executable.run(NO_INPUTS))) / repeats);
  }
  for (const { executable } of prepared) executable.release();
  return samples.map(summarize);
}

/** As many repetitions as take long enough. */
async function prepare(timer: PassTimer, sequence: Sequence) {
  const once = await repeated(timer.device, sequence, 1);
  // the first run may still compile
  await once.run(NO_INPUTS);
  const first = await timer.time(() => once.run(NO_INPUTS));
  const repeats = Math.min(MOST_REPEATS, Math.max(1, Math.ceil(SAMPLE_MS / first)));
  if (repeats === 1) return { executable: once, repeats };
  once.release();
  return { executable: await repeated(timer.device, sequence, repeats), repeats };
}

/** A plan of its steps, again and again. */
function repeated(device: GPUDevice, { plan, steps }: Sequence, times: number): Promise<Executable> {
  const output = plan.graph.outputs[0]!;
  const part: Plan = {
    ...plan,
    graph: { ...plan.graph, inputs: [], outputs: [output] },
    steps: Array.from({ length: times }, () => steps).flat(),
  };
  return Executable.compile(device, part, PipelineCache.of(device));
}
