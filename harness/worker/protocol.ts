import type { ElementType } from '../../src/graph/graph.ts';
import type { Comparison } from '../compare/compare.ts';

/** A tensor whose elements are fetched from a path of the page's server, little-endian, C order. */
export interface RemoteTensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly path: string;
}

export type RemoteFeeds = Readonly<Record<string, RemoteTensor>>;

/** A small tensor, passed by value. */
export interface PlainTensor {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

export interface Verification {
  readonly comparison: Comparison;
  /** What the first run that differs from run 1 gives otherwise; undefined where all runs are identical. */
  readonly unsteady?: { readonly run: number; readonly tensor: string };
}

/** What the page does for the command. Paths are of the page's server; results are posted to `result`. */
export interface WorkerMethods {
  /** Posts the RGB bytes of a picture file. */
  decode(file: string, result: string): Promise<{ width: number; height: number }>;
  /** Opens a model; the other methods use it. */
  open(model: string, semantics: string | undefined): Promise<void>;
  run(feeds: RemoteFeeds): Promise<Record<string, PlainTensor>>;
  /** Posts an .npz file of every tensor. */
  trace(feeds: RemoteFeeds, accumulators: boolean, result: string): Promise<void>;
  /** Compares every tensor with onnxruntime-web's, and `runs` runs with each other. */
  verify(feeds: RemoteFeeds, runs: number): Promise<Verification>;
}

export type WorkerReply = { readonly value: unknown } | { readonly error: { name: string; message: string } };

declare global {
  /** The page's entry point. */
  var exact8Worker: (method: keyof WorkerMethods, args: readonly unknown[]) => Promise<WorkerReply>;
}
