import type { Handicap } from '../tune/measure.ts';
import type { Tuner } from '../tune/run.ts';
import type { RemoteModel, RemoteTensor } from '../worker/remote.ts';
import type { GpuCalls } from './measure/gpu_calls.ts';
import type { LayerTiming } from './measure/time_layers.ts';
import type { Roof } from './measure/roof.ts';

/** What an engine is to run. Paths are of the page's server. */
export interface Job {
  /** A name of PEERS. */
  readonly engine: string;
  /** Files of the model, by the names that the engine's peer file says. */
  readonly model: Readonly<Record<string, string>>;
  readonly input: RemoteTensor;
}

export interface FirstResult {
  /** Scripts, WebAssembly, a device: before any model is there. */
  readonly startMs: number;
  /** From the model's bytes in memory to logits in memory. */
  readonly firstResultMs: number;
  readonly logits: readonly number[];
  /** What the first result called and left allocated on the GPU. */
  readonly calls: GpuCalls;
}

/** What the worker does for `exact8 bench`. An opened engine is called by the id that it was opened with. */
export interface BenchMethods {
  open(id: string, job: Job): Promise<FirstResult>;
  /** One inference that is only counted. */
  inspect(id: string): Promise<{ logits: readonly number[]; calls: GpuCalls }>;
  /** Milliseconds of each of `runs` inferences, one after the other. */
  time(id: string, runs: number): Promise<number[]>;
  /** Milliseconds of `inferences` that are begun as early as the engine lets them. */
  stream(id: string, inferences: number): Promise<number>;
  /** What `runs` inferences together call and allocate. */
  count(id: string, runs: number): Promise<GpuCalls>;
  close(id: string): Promise<void>;
  roof(): Promise<Roof>;
  /** Every dispatch of exact8's plan by itself. */
  layers(model: RemoteModel, budgetMs: number): Promise<LayerTiming[]>;
  /** Opens a model for tuning: see Tuning, whose methods the others are. */
  openTuning(model: RemoteModel, handicap: Handicap): Promise<Pick<Tuner, 'tasks' | 'blocks' | 'profile'>>;
  tuneLayer: Tuner['layer'];
  tuneBlock: Tuner['block'];
  tuneFusions: Tuner['fusions'];
  compareProfiles: Tuner['compare'];
}
