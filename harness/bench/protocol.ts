import type { GpuCalls } from './measure/gpu_calls.ts';
import type { LayerTiming } from './measure/layers.ts';
import type { Roof } from './measure/roof.ts';

/** What an engine is to run. Paths are of the page's server. */
export interface Job {
  /** A name of PEERS. */
  readonly engine: string;
  /** Files of the model, by the names that the engine's peer file says. */
  readonly model: Readonly<Record<string, string>>;
  readonly input: { readonly path: string; readonly dims: readonly number[] };
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

/** What the page of `exact8 bench` does. An opened engine is called by the id that it was opened with. */
export interface BenchMethods {
  /** Posts the RGB bytes of a picture file to the path `result`. */
  decode(file: string, result: string): Promise<{ width: number; height: number }>;
  open(id: string, job: Job): Promise<FirstResult>;
  /** One inference that is only counted. */
  inspect(id: string): Promise<{ logits: readonly number[]; calls: GpuCalls }>;
  /** Milliseconds of each of `runs` inferences, one after the other. */
  time(id: string, runs: number): Promise<number[]>;
  /** Milliseconds of `inferences` that are begun as early as the engine lets them. */
  stream(id: string, inferences: number): Promise<number>;
  close(id: string): Promise<void>;
  roof(): Promise<Roof>;
  /** Every dispatch of exact8's plan by itself. */
  layers(model: string, semantics: string, batch: number, budgetMs: number): Promise<LayerTiming[]>;
}

export type BenchReply = { readonly value: unknown } | { readonly error: { name: string; message: string } };

declare global {
  /** The page's entry point. */
  var exact8Bench: (method: keyof BenchMethods, args: readonly unknown[]) => Promise<BenchReply>;
}
