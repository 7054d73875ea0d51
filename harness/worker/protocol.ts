import type { Fusion } from '../../src/join/fusion.ts';
import type { BenchMethods } from '../bench/protocol.ts';
import type { GraphKind } from '../cases/graphs/generate.ts';
import type { GraphsResult } from '../cases/graphs/run_graphs.ts';
import type { RecordedResult } from '../cases/recorded_cases.ts';
import type { CasesResult } from '../cases/run_cases.ts';
import type { Adapter } from '../chrome/launch.ts';
import type { Comparison } from '../compare/compare.ts';
import type { EngineChoice, RemoteFeeds, RemoteModel } from './remote.ts';

/** A small tensor, passed by value. */
export interface PlainTensor {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

export interface Verification {
  /** How `run` computed what was compared with the trace. */
  readonly plan: { readonly fusion: Fusion; readonly dispatches: number };
  readonly comparison: Comparison;
  /** Every layer computed from the reference's own inputs, where that was asked for. */
  readonly layers?: Comparison;
  /** What the first run that differs from run 1 gives otherwise; undefined where all runs are identical. */
  readonly unsteady?: { readonly run: number; readonly tensor: string };
  /** Why only the model's outputs were compared: the reference does not let its other tensors be watched. */
  readonly onlyOutputs?: string;
}

/** What is compared with: onnxruntime-web on the same model, or recorded tensors by their name in the plan. */
export type Against = 'onnxruntime' | RemoteFeeds;

export interface VerifyRequest {
  readonly runs: number;
  readonly against: Against;
  /** Also compute every layer from the reference's own inputs. */
  readonly eachLayer: boolean;
}

/** What the page or the process does for the command. Paths are of the command's server; results are posted to `result`. */
export interface WorkerMethods {
  /** Posts the RGB bytes of a picture file. */
  decode(file: string, result: string): Promise<{ width: number; height: number }>;
  /** Opens a model; the other methods use it. */
  open(model: RemoteModel, fusion?: Fusion): Promise<void>;
  run(feeds: RemoteFeeds): Promise<Record<string, PlainTensor>>;
  /** Posts an .npz file of every tensor. */
  trace(feeds: RemoteFeeds, accumulators: boolean, result: string): Promise<void>;
  /** Compares every tensor with the reference's, and `runs` runs with each other. */
  verify(feeds: RemoteFeeds, request: VerifyRequest): Promise<Verification>;
  /** Runs generated cases, on request against onnxruntime-web too; needs no model. */
  generatedCases(
    engine: string,
    seed: number,
    from: number,
    to: number,
    options?: {
      readonly against?: 'onnxruntime';
      readonly atBoundaries?: boolean;
      readonly kind?: string | undefined;
      readonly variant?: string | undefined;
    },
  ): Promise<CasesResult>;
  /** Runs generated graphs against onnxruntime-web: all on the host, every `gpuEvery`-th on the GPU, too; needs no model. */
  graphCases(kind: GraphKind, seed: number, from: number, to: number, gpuEvery: number): Promise<GraphsResult>;
  /** Counts the elements in which recorded cases (an .npz file) differ from the GPU; needs no model. */
  recordedCases(file: string, engine: EngineChoice): Promise<RecordedResult>;
  /** How often something came back from the GPU; asked while another method is at work. */
  progress(): Promise<number>;
  /** What `exact8 bench` measures. */
  bench(method: keyof BenchMethods, args: readonly unknown[]): Promise<unknown>;
}

export type WorkerReply = { readonly value: unknown } | { readonly error: { name: string; message: string } };

/** A line of a process's standard input: its reply is posted to the path `reply`, as JSON. */
export interface ProcessRequest {
  readonly method: keyof WorkerMethods | 'start';
  readonly args: readonly unknown[];
  readonly reply: string;
}

/** The reply to 'start': nothing where there is no adapter. */
export interface ProcessStarted {
  readonly adapter?: Adapter;
}

/** Where the worker runs: a page of headless Chrome, or a process. */
export interface WorkerHost {
  readonly adapter: Adapter;
  /** Whose WebGPU it is, with its version, for people. */
  readonly runtime: string;
  /** @throws DeviceError where the process has crashed */
  call(method: keyof WorkerMethods, args: readonly unknown[]): Promise<WorkerReply>;
  close(): Promise<void>;
}

declare global {
  /** The entry point, of the page and of the process. */
  var exact8Worker: (method: keyof WorkerMethods, args: readonly unknown[]) => Promise<WorkerReply>;
  /** Where paths are fetched from, in a process; a page has an origin of its own. */
  var exact8Origin: string | undefined;
}
