import type { Profile } from '../../src/plan/profile.ts';
import type { BlockTask, TuneTask } from './tasks.ts';
import {
  bestFusion,
  tunedProfile,
  type Latency,
  type Tuned,
  type TunedBlock,
  type TunedFusion,
  type TunedLayer,
} from './tuned.ts';

/** Who measures: here, or in another process. */
export interface Tuner {
  readonly tasks: readonly TuneTask[];
  readonly blocks: readonly BlockTask[];
  /** What tuning starts from. */
  readonly profile: Profile;
  /** @param variant only this one, and the untuned one to compare with */
  layer(task: number, budgetMs: number, variant?: string): Promise<TunedLayer>;
  block(task: number, profile: Profile, budgetMs: number): Promise<TunedBlock>;
  fusions(profile: Profile, budgetMs: number): Promise<TunedFusion[]>;
  compare(tuned: Profile, budgetMs: number): Promise<Latency>;
}

interface TuneEffort {
  /** Of the profile that is made. */
  readonly name: string;
  /** For the timing of all variants; what is not begun by then is left for another time. */
  readonly timeLimitMs: number;
  /** What an earlier tuning found. */
  readonly before?: Pick<Tuned, 'layers' | 'blocks'> | undefined;
  readonly signal?: AbortSignal;
  readonly progress: (done: number, of: number, what: string) => void;
  /** Called after each step with all that is known. */
  readonly save: (tuned: Tuned) => Promise<void> | void;
}

/** For whole inferences, twice. */
const INFERENCES_MS = 20_000;

const named = (choices: readonly unknown[]): string => JSON.stringify(choices);

/** Tunes layer by layer, then blocks with the layers as they were tuned, then how far all is fused. */
export async function tune(tuner: Tuner, effort: TuneEffort): Promise<Tuned> {
  const { name, before, progress, signal } = effort;
  const { tasks, profile: base } = tuner;
  // kernels may have come or gone since
  const layers = (before?.layers ?? []).filter(({ geometry, variants }) => {
    const task = tasks.find((one) => one.geometry === geometry);
    return task && named(task.choices) === named(variants.map(({ variant, tile }) => ({ variant, tile })));
  });
  // blocks were measured with the layers of then
  const blocks = layers.length === before?.layers.length ? [...before.blocks] : [];
  const deadline = performance.now() + effort.timeLimitMs;
  const of = tasks.length + tuner.blocks.length + 2;
  const left = (done: number): number => (signal?.aborted ? 0 : (deadline - performance.now()) / (of - 2 - done));
  const save = async (more: Omit<Tuned, 'layers' | 'blocks'>): Promise<Tuned> => {
    const tuned = { layers: [...layers], blocks: [...blocks], ...more };
    await effort.save(tuned);
    return tuned;
  };
  const part = (): Promise<Tuned> =>
    save({ complete: false, fusions: [], profile: tunedProfile(base, name, { layers, blocks }) });

  for (const [index, { geometry, choices }] of tasks.entries()) {
    if (layers.some((layer) => layer.geometry === geometry)) continue;
    const budget = left(index);
    if (budget <= 0) return part();
    progress(index, of, `${geometry}, ${choices.length} variants`);
    layers.push(await tuner.layer(index, budget));
    await part();
  }
  for (const [index, { geometry }] of tuner.blocks.entries()) {
    if (blocks.some((block) => block.geometry === geometry)) continue;
    const budget = left(tasks.length + index);
    if (budget <= 0) return part();
    progress(tasks.length + index, of, `the block of ${geometry}`);
    blocks.push(await tuner.block(index, tunedProfile(base, name, { layers, blocks }), budget));
    await part();
  }
  if (signal?.aborted) return part();
  progress(of - 2, of, 'whole inferences, joined and not');
  const fusions = await tuner.fusions(tunedProfile(base, name, { layers, blocks }), INFERENCES_MS);
  const profile = tunedProfile(base, name, { layers, blocks }, bestFusion(fusions));
  if (signal?.aborted) return part();
  progress(of - 1, of, 'the tuned profile and the adapter’s own, in turns');
  const latencyMs = await tuner.compare(profile, INFERENCES_MS);
  const isFaster = latencyMs.tuned <= latencyMs.untuned;
  return save({ complete: true, fusions, latencyMs, profile: isFaster ? profile : base });
}
