import { DeviceError } from '../../src/errors.ts';
import { readModel } from '../../src/formats/index.ts';
import { featuresOf, profileOf, requestDevice } from '../../src/gpu/device.ts';
import { Executable } from '../../src/gpu/executable.ts';
import { takeInputs } from '../../src/gpu/inputs.ts';
import { PipelineCache } from '../../src/gpu/pipelines.ts';
import { byteRange, elementCount, isByteType, newElementData, type Graph } from '../../src/graph/graph.ts';
import type { Features } from '../../src/kernels/features.ts';
import { FUSIONS } from '../../src/join/fusion.ts';
import { createPlan, type Plan } from '../../src/plan/plan.ts';
import type { Profile } from '../../src/plan/profile.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { findEngine } from '../../src/engines/index.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { InferenceSession } from '../../src/session/session.ts';
import { Tensor } from '../../src/tensor.ts';
import { timeSequences } from '../bench/measure/time_layers.ts';
import { PassTimer } from '../bench/measure/timer.ts';
import { median } from '../bench/statistics.ts';
import { Random } from '../../models/random.ts';
import { bitsOf, firstDifference } from '../compare/bits.ts';
import { subgraph } from '../compare/compare_layers.ts';
import type { RemoteModel, Shapes } from '../worker/remote.ts';
import type { Tuner } from './run.ts';
import { blockTasks, tuneTasks, UNFUSED, type BlockTask, type TuneTask } from './tasks.ts';
import {
  bestOf,
  fastest,
  type Latency,
  type Measured,
  type TunedBlock,
  type TunedFusion,
  type TunedLayer,
} from './tuned.ts';

type Feeds = Readonly<Record<string, Tensor>>;

/** Features that an adapter has and is taken not to have. */
export type Without = 'packed-dot' | 'subgroups';

/** What an adapter is taken to have less than it has. */
export interface Handicap {
  readonly without: readonly Without[];
  /** Bytes of workgroup memory. */
  readonly workgroupMemory?: number;
}

/** What takes so many times the fastest's time is not measured further. */
const HOPELESS = 3;

/** Proves and times kernel variants, blocks and whole plans of one model on one device. */
export class Tuning implements Tuner {
  readonly tasks: readonly TuneTask[];
  readonly blocks: readonly BlockTask[];
  readonly profile: Profile;
  readonly #device: GPUDevice;
  readonly #graph: Graph;
  readonly #engine: Engine;
  readonly #features: Features;
  /** A dispatch a node. */
  readonly #plan: Plan;
  #lost: string | undefined;

  private constructor(device: GPUDevice, graph: Graph, engine: Engine, features: Features, shapes: Shapes) {
    this.profile = profileOf(device);
    this.#device = device;
    this.#graph = graph;
    this.#engine = engine;
    this.#features = features;
    const options = { engine, features, profile: this.profile, shapes };
    this.#plan = createPlan(graph, { ...options, fusion: 'none' });
    this.tasks = tuneTasks(this.#plan);
    this.blocks = blockTasks(createPlan(graph, { ...options, fusion: 'blocks' }), this.profile.fusion === 'blocks');
    void device.lost.then(({ message, reason }) => (this.#lost = message || reason));
  }

  /** Opens a model on a device of its own, which lives until `close`. */
  static async open(
    model: Uint8Array,
    { engine: { name, options }, shapes, outputs }: Omit<RemoteModel, 'path'>,
    handicap: Handicap,
  ): Promise<Tuning> {
    const device = await requestDevice(['timestamp-query']);
    try {
      const features = handicapped(await featuresOf(device), handicap);
      return new Tuning(device, readModel(model, { outputs }), findEngine(name, options), features, shapes);
    } catch (error) {
      device.destroy();
      throw error;
    }
  }

  /**
   * Proves every variant of a geometry exact on a real layer of it, against the host reference, and then times those
   * that are, in turns. One that is not is reported and never chosen.
   *
   * @param budgetMs about how long the timing may take
   * @param variant only this one, and the untuned one to compare with
   */
  async layer(index: number, budgetMs: number, variant?: string): Promise<TunedLayer> {
    const { choices: all, ...task } = this.tasks[index]!;
    const choices = all.filter((one, i) => i === 0 || variant === undefined || one.variant === variant);
    const graph = this.#part([task.node]);
    const plans = choices.map((choice) =>
      this.#planOf(graph, { ...this.profile, nodes: { [task.node]: choice } }, 'none'),
    );
    const measured = await this.#measure(plans, budgetMs);
    const variants = choices.map((choice, i) => ({ ...choice, ...measured[i]! }));
    return { ...task, variants, best: bestOf(task.untuned, variants) };
  }

  /**
   * The same for a block: layer by layer as `profile` has it, as one dispatch of the usual tile, and of all other tiles
   * that there is memory for, unless the usual one is hopeless.
   */
  async block(index: number, profile: Profile, budgetMs: number): Promise<TunedBlock> {
    const { nodes, choices, ...task } = this.blocks[index]!;
    const graph = this.#part(nodes);
    const planOf = (tile: string): Plan =>
      this.#planOf(graph, { ...profile, blocks: { [task.geometry]: tile } }, 'blocks');
    const isFused = ({ steps }: Plan): boolean => steps.some(({ kernel }) => kernel === 'inverted_residual');
    const first = [UNFUSED, task.usual];
    let tried = first;
    let measured = await this.#measure(first.map(planOf), budgetMs / 2);
    const [unfused, fused] = measured.map(({ ms }) => ms);
    if (unfused === undefined || fused === undefined || fused < HOPELESS * unfused) {
      const others = choices.filter((tile) => !first.includes(tile) && isFused(planOf(tile)));
      tried = [...first, ...others];
      measured = await this.#measure(tried.map(planOf), budgetMs / 2);
    }
    const tiles = tried.map((tile, i) => ({ tile, ...measured[i]! }));
    return { ...task, tiles, best: fastest(tiles, ({ tile }) => tile === task.untuned)?.tile ?? task.untuned };
  }

  /** How far to join dispatches: every way is proved on the whole network, and timed. */
  async fusions(profile: Profile, budgetMs: number): Promise<TunedFusion[]> {
    const feeds = feedsOf(this.#plan.graph, 'random');
    const expected = referenceTrace(this.#plan, feeds).outputs;
    return this.#withSessions(
      FUSIONS.map((fusion) => ({ profile, fusion })),
      async (sessions) => {
        const mismatches: number[] = [];
        for (const session of sessions) mismatches.push(differences(await session.run(feeds), expected));
        const times = await timeSessions(sessions, feeds, budgetMs);
        return sessions.map(({ plan }, i) => ({
          fusion: plan.fusion,
          dispatches: plan.steps.length,
          ms: times[i]!,
          mismatches: mismatches[i]!,
        }));
      },
    );
  }

  async compare(tuned: Profile, budgetMs: number): Promise<Latency> {
    const feeds = feedsOf(this.#plan.graph, 'random');
    return this.#withSessions([{ profile: this.profile }, { profile: tuned }], async (sessions) => {
      const [before, after] = await timeSessions(sessions, feeds, budgetMs);
      return { untuned: before!, tuned: after! };
    });
  }

  close(): void {
    this.#device.destroy();
  }

  #part(nodes: readonly string[]): Graph {
    const { graph } = this.#plan;
    return subgraph(
      graph,
      graph.nodes.filter(({ name }) => nodes.includes(name)),
    );
  }

  #planOf(graph: Graph, profile: Profile, fusion: Plan['fusion']): Plan {
    return createPlan(graph, { engine: this.#engine, features: this.#features, profile, fusion });
  }

  /** Plans of the same graph: each is proved, and those that are exact take turns. */
  async #measure(plans: readonly Plan[], budgetMs: number): Promise<Measured[]> {
    const inputs = FILLS.map((fill) => {
      const feeds = feedsOf(plans[0]!.graph, fill);
      return { feeds, expected: referenceTrace(plans[0]!, feeds).outputs };
    });
    await this.#compileAll(plans);
    const proofs: Measured[] = [];
    for (const plan of plans) proofs.push(await this.#prove(plan, inputs));
    const exact = plans.filter((_, i) => proofs[i]!.mismatches === 0 && proofs[i]!.failure === undefined);
    const timer = new PassTimer(this.#device);
    try {
      const times = await timeSequences(
        timer,
        exact.map((plan) => ({ plan, steps: plan.steps })),
        budgetMs,
        HOPELESS,
      );
      return plans.map((plan, i) => ({
        ...(exact.includes(plan) && { ms: times[exact.indexOf(plan)]!.median }),
        ...proofs[i]!,
      }));
    } finally {
      timer.release();
    }
  }

  /** All pipelines at once; what does not compile says so when its plan is proved. */
  async #compileAll(plans: readonly Plan[]): Promise<void> {
    const pipelines = PipelineCache.of(this.#device);
    await Promise.allSettled(plans.flatMap(({ steps }) => steps.map((step) => pipelines.get(step))));
  }

  /** What one plan computes, compared with the host reference. */
  async #prove(plan: Plan, inputs: readonly { feeds: Feeds; expected: Feeds }[]): Promise<Measured> {
    try {
      const executable = await Executable.compile(this.#device, plan, PipelineCache.of(this.#device));
      let mismatches = 0;
      for (const { feeds, expected } of inputs)
        mismatches += differences(await executable.run(takeInputs(plan, feeds)), expected);
      executable.release();
      return { mismatches };
    } catch (error) {
      // a kernel that a driver does not take is refused; without a device nothing can be said
      if (!(error instanceof DeviceError) || this.#lost !== undefined) throw error;
      return { mismatches: 0, failure: error.message };
    }
  }

  async #withSessions<T>(
    options: readonly { readonly profile: Profile; readonly fusion?: Plan['fusion'] }[],
    use: (sessions: readonly InferenceSession[]) => Promise<T>,
  ): Promise<T> {
    const sessions: InferenceSession[] = [];
    const common = { device: this.#device, engine: this.#engine, features: this.#features };
    try {
      for (const own of options) sessions.push(await InferenceSession.create(this.#graph, { ...common, ...own }));
      return await use(sessions);
    } finally {
      for (const session of sessions) session.release();
    }
  }
}

function handicapped({ subgroups, packedDot, ...limits }: Features, handicap: Handicap): Features {
  const { without, workgroupMemory = Infinity } = handicap;
  return {
    ...limits,
    packedDot: packedDot && !without.includes('packed-dot'),
    ...(subgroups && !without.includes('subgroups') ? { subgroups } : {}),
    workgroupStorage: Math.min(limits.workgroupStorage, workgroupMemory),
  };
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

/** Elements of all outputs, by bits. */
function differences(outputs: Feeds, expected: Feeds): number {
  const each = Object.entries(outputs).map(
    ([name, { data }]) => firstDifference(bitsOf(data), bitsOf(expected[name]!.data)).count,
  );
  return each.reduce((sum, count) => sum + count, 0);
}

const ROUNDS = 9;

/** Times whole inferences by each session, in turns; the first round only warms up. */
async function timeSessions(sessions: readonly InferenceSession[], feeds: Feeds, budgetMs: number): Promise<number[]> {
  const deadline = performance.now() + budgetMs;
  const samples = sessions.map(() => [] as number[]);
  for (let round = 0; round <= ROUNDS && (round < 2 || performance.now() < deadline); round++)
    for (const [i, session] of sessions.entries()) {
      const begin = performance.now();
      await session.run(feeds);
      if (round > 0) samples[i]!.push(performance.now() - begin);
    }
  return samples.map(median);
}
