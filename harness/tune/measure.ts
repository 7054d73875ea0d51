import { DeviceError, InvalidInputError } from '../../src/errors.ts';
import { readModel } from '../../src/formats/index.ts';
import { featuresOf, profileOf, requestDevice } from '../../src/gpu/device.ts';
import { byteRange, elementCount, isByteType, newElementData, type Graph } from '../../src/graph/graph.ts';
import type { Features } from '../../src/ops/features.ts';
import type { VariantChoice } from '../../src/ops/variant.ts';
import { FUSIONS } from '../../src/plan/fuse/index.ts';
import { createPlan, type Plan } from '../../src/plan/plan.ts';
import type { Profile } from '../../src/plan/profile.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { findSemantics } from '../../src/semantics/index.ts';
import type { Semantics } from '../../src/semantics/semantics.ts';
import { InferenceSession } from '../../src/session.ts';
import { Tensor } from '../../src/tensor.ts';
import { timeSteps } from '../bench/measure/layers.ts';
import { PassTimer } from '../bench/measure/timer.ts';
import { median } from '../bench/statistics.ts';
import { Random } from '../../models/random.ts';
import { bitsOf, firstDifference } from '../cases/run.ts';
import { layerGraph } from '../compare/layers.ts';
import type { Engine } from '../worker/protocol.ts';
import { bestOf, tuneTasks, type TunedFusion, type TunedLayer, type TunedVariant, type TuneTask } from './tasks.ts';

type Feeds = Readonly<Record<string, Tensor>>;

/** Features that an adapter has and is taken not to have. */
export type Without = 'packed-dot' | 'subgroups';

interface Opened {
  readonly device: GPUDevice;
  readonly graph: Graph;
  readonly semantics: Semantics;
  readonly features: Features;
  readonly profile: Profile;
  readonly plan: Plan;
  readonly tasks: readonly TuneTask[];
}

let opened: Opened | undefined;

function current(): Opened {
  if (!opened) throw new InvalidInputError('no model is open for tuning');
  return opened;
}

/** Opens a model for tuning: the geometries of its layers, and the profile that it starts from. */
export async function openTuning(
  model: Uint8Array,
  engine: Engine,
  without: readonly Without[],
): Promise<{ tasks: readonly TuneTask[]; profile: Profile }> {
  closeTuning();
  const graph = readModel(model);
  const semantics = findSemantics(engine.name, engine.options);
  const device = await requestDevice(['timestamp-query']);
  const { subgroups, packedDot, ...limits } = await featuresOf(device);
  const features: Features = {
    ...limits,
    packedDot: packedDot && !without.includes('packed-dot'),
    ...(subgroups && !without.includes('subgroups') ? { subgroups } : {}),
  };
  const profile = profileOf(device);
  const plan = createPlan(graph, { semantics, features, profile, fusion: 'none' });
  opened = { device, graph, semantics, features, profile, plan, tasks: tuneTasks(plan) };
  return { tasks: opened.tasks, profile };
}

export function closeTuning(): void {
  opened?.device.destroy();
  opened = undefined;
}

/** Inputs that reach far into a layer's arithmetic: random ones, and both ends. */
const FILLS = ['random', 'least', 'most'] as const;

function feedsOf(graph: Pick<Graph, 'inputs'>, fill: (typeof FILLS)[number]): Feeds {
  const random = new Random(1);
  return Object.fromEntries(
    graph.inputs.map(({ name, type, shape }) => {
      const data = newElementData(type, elementCount(shape));
      const [min, max] = isByteType(type) ? byteRange(type) : [-2, 2];
      for (let i = 0; i < data.length; i++)
        data[i] =
          fill === 'least'
            ? min
            : fill === 'most'
              ? max
              : isByteType(type)
                ? random.integer(min, max)
                : random.unit() * 4 - 2;
      return [name, new Tensor(type, data as never, shape)];
    }),
  );
}

/**
 * Proves every variant of a geometry exact on a real layer of it, against the host reference, and then times those that
 * are, in turns. One that is not is reported and never chosen.
 *
 * @param budgetMs about how long the timing may take
 */
export async function tuneLayer(index: number, budgetMs: number): Promise<TunedLayer> {
  const { device, semantics, features, profile, plan, tasks } = current();
  const { choices, ...task } = tasks[index]!;
  const node = plan.graph.nodes.find(({ name }) => name === task.node)!;
  const graph = layerGraph(plan.graph, node);
  const planOf = (choice: VariantChoice): Plan =>
    createPlan(graph, { semantics, features, fusion: 'none', profile: { ...profile, nodes: { [task.node]: choice } } });
  const plans = choices.map(planOf);
  const inputs = FILLS.map((fill) => {
    const feeds = feedsOf({ inputs: plans[0]!.graph.inputs }, fill);
    return { feeds, expected: bitsOf(referenceTrace(plans[0]!, feeds).outputs[graph.outputs[0]!]!.data) };
  });
  const wrong: number[] = [];
  for (const choice of choices) {
    const forced = { ...profile, nodes: { [task.node]: choice } };
    const options = { device, semantics, features, profile: forced, fusion: 'none' } as const;
    const session = await InferenceSession.create(graph, options);
    let mismatches = 0;
    for (const { feeds, expected } of inputs)
      mismatches += firstDifference(bitsOf((await session.run(feeds))[graph.outputs[0]!]!.data), expected).count;
    session.release();
    wrong.push(mismatches);
  }
  const timer = new PassTimer(device);
  try {
    const exact = choices.flatMap((_, i) => (wrong[i] === 0 ? [i] : []));
    const steps = exact.map((i) => plans[i]!.steps[0]!);
    const times = steps.length > 0 ? await timeSteps(timer, plans[0]!, steps, budgetMs) : [];
    const variants: TunedVariant[] = choices.map((choice, i) => {
      const at = exact.indexOf(i);
      return { ...choice, ...(at >= 0 ? { ms: times[at]!.median } : {}), mismatches: wrong[i]! };
    });
    return { ...task, variants, best: bestOf(task.untuned, variants) };
  } finally {
    timer.release();
  }
}

const ROUNDS = 9;

/** Times whole inferences by each profile, in turns; the first round only warms up. */
async function timeSessions(sessions: readonly InferenceSession[], feeds: Feeds, deadline: number): Promise<number[]> {
  const samples = sessions.map(() => [] as number[]);
  for (let round = 0; round <= ROUNDS && (round < 2 || performance.now() < deadline); round++)
    for (const [i, session] of sessions.entries()) {
      const begin = performance.now();
      await session.run(feeds);
      if (round > 0) samples[i]!.push(performance.now() - begin);
    }
  return samples.map(median);
}

/** How far to join dispatches: every way is proved on the whole network, and timed. */
export async function tuneFusion(profile: Profile, budgetMs: number): Promise<TunedFusion[]> {
  const { device, graph, semantics, features, plan } = current();
  const deadline = performance.now() + budgetMs;
  const feeds = feedsOf(plan.graph, 'random');
  const expected = referenceTrace(plan, feeds).outputs;
  const sessions: InferenceSession[] = [];
  try {
    for (const fusion of FUSIONS)
      sessions.push(await InferenceSession.create(graph, { device, semantics, features, profile, fusion }));
    const mismatches: number[] = [];
    for (const session of sessions) {
      const outputs = Object.entries(await session.run(feeds));
      const differing = outputs.map(([name, { data }]) => firstDifference(bitsOf(data), bitsOf(expected[name]!.data)));
      mismatches.push(differing.reduce((sum, { count }) => sum + count, 0));
    }
    const times = await timeSessions(sessions, feeds, deadline);
    return sessions.map(({ plan }, i) => ({
      fusion: plan.fusion,
      dispatches: plan.steps.length,
      ms: times[i]!,
      mismatches: mismatches[i]!,
    }));
  } finally {
    for (const session of sessions) session.release();
  }
}

/** Milliseconds of an inference by the profile that tuning started from, and by the tuned one; in turns. */
export async function compareProfiles(tuned: Profile, budgetMs: number): Promise<{ untuned: number; tuned: number }> {
  const { device, graph, semantics, features, profile, plan } = current();
  const deadline = performance.now() + budgetMs;
  const sessions: InferenceSession[] = [];
  try {
    for (const one of [profile, tuned])
      sessions.push(await InferenceSession.create(graph, { device, semantics, features, profile: one }));
    const [before, after] = await timeSessions(sessions, feedsOf(plan.graph, 'random'), deadline);
    if (before === undefined || after === undefined) throw new DeviceError('nothing was timed');
    return { untuned: before, tuned: after };
  } finally {
    for (const session of sessions) session.release();
  }
}
