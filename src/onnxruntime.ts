import type * as ort from 'onnxruntime-common';
import { loadEngine } from './engines/on_demand.ts';
import { NoWebGpuError, UnsupportedModelError } from './errors.ts';
import type { Feeds } from './feeds.ts';
import { loadModel } from './formats/on_demand.ts';
import { planGraph } from './plan/steps.ts';
import type { SessionOptions } from './session/options.ts';
import { InferenceSession } from './session/session.ts';
import { bytesFrom } from './session/source.ts';
import { Tensor } from './tensor.ts';

/** What is used of onnxruntime: the module `onnxruntime-web` or `onnxruntime-common`. */
export type Onnxruntime = Pick<typeof ort, 'InferenceSession' | 'Tensor'> & {
  registerBackend(name: string, backend: Backend, priority: number): void;
};

interface Backend {
  init(name: string): Promise<void>;
  createInferenceSessionHandler(
    model: string | Uint8Array,
    options?: ort.InferenceSession.SessionOptions,
  ): Promise<Handler>;
}

type Values = Readonly<Record<string, ort.Tensor>>;

interface Handler {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly ort.InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly ort.InferenceSession.ValueMetadata[];
  run(
    feeds: Values,
    fetches: Readonly<Record<string, ort.Tensor | null>>,
    options: ort.InferenceSession.RunOptions,
  ): Promise<Record<string, ort.Tensor>>;
  startProfiling(): void;
  endProfiling(): void;
  dispose(): Promise<void>;
}

/** Where exact8 cannot run a model, or there is no WebGPU. */
export interface HandedOver {
  /** What was refused, and why. */
  readonly reason: Error;
}

export interface RegisterOptions {
  /**
   * Without it, what exact8 refuses is refused. With it, onnxruntime's wasm runs such a model, with the same bits, for it
   * is the engine that exact8 equals; each time this is called.
   */
  readonly onHandedToWasm?: (handed: HandedOver) => void;
  /** Of every session. A provider `{ name: 'exact8', ... }` adds to them. */
  readonly session?: SessionOptions;
}

/**
 * Makes exact8 an execution provider of onnxruntime: `executionProviders: ['exact8']`. Its results are those of
 * onnxruntime-web's wasm, bit for bit, unless another `engine` is named.
 *
 * @example register(ort); await ort.InferenceSession.create(url, { executionProviders: ['exact8'] })
 */
export function register(onnxruntime: Onnxruntime, options: RegisterOptions = {}): void {
  const { onHandedToWasm, session: defaults = {} } = options;
  const backend: Backend = {
    // what is missing is said, or handed over, where a model is opened
    init: async () => undefined,
    createInferenceSessionHandler: async (model, asked = {}) => {
      try {
        const session = await InferenceSession.create(model, {
          engine: 'onnxruntime',
          ...defaults,
          ...(sessionOptions(asked) as SessionOptions),
        });
        return handlerOf(onnxruntime, session);
      } catch (reason) {
        const hands = reason instanceof UnsupportedModelError || reason instanceof NoWebGpuError;
        if (!onHandedToWasm || !hands) throw reason;
        onHandedToWasm({ reason: reason as Error });
        const session = await onnxruntime.InferenceSession.create(model as Uint8Array, {
          ...withoutProviders(asked),
          executionProviders: ['wasm'],
        });
        return wasmHandler(session);
      }
    },
  };
  onnxruntime.registerBackend('exact8', backend, -1);
}

/**
 * A session of onnxruntime's wasm over a model that exact8 runs: for where there is no WebGPU. The same bits, because
 * that is what exact8 is compared with.
 *
 * @throws UnsupportedModelError where exact8 would refuse the model: its results were not compared
 */
export async function openInWasm(
  onnxruntime: Pick<Onnxruntime, 'InferenceSession'>,
  model: string | Uint8Array,
): Promise<ort.InferenceSession> {
  const bytes = (await bytesFrom(model))!;
  planGraph(await loadModel(bytes), { engine: await loadEngine('onnxruntime') });
  return onnxruntime.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
}

type Asked = Readonly<Record<string, unknown>>;

const withoutProviders = (asked: object): Asked => {
  // onnxruntime hands over a proxy, of which only what is asked for is right
  const { executionProviders: _, ...others } = asked as Asked;
  return others;
};

/** A session's options, those of the provider among them. */
function sessionOptions(asked: ort.InferenceSession.SessionOptions): Asked {
  const ours = (asked.executionProviders ?? []).find(
    (provider) => typeof provider === 'object' && provider.name === 'exact8',
  );
  const { name: _, ...own } = (ours ?? { name: '' }) as { readonly name: string } & Asked;
  return { ...withoutProviders(asked), ...own };
}

function handlerOf({ Tensor: OrtTensor }: Pick<Onnxruntime, 'Tensor'>, session: InferenceSession): Handler {
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    inputMetadata: session.inputMetadata,
    outputMetadata: session.outputMetadata,
    async run(feeds, fetches, options) {
      const wanted = Object.fromEntries(
        Object.entries(fetches).map(([name, tensor]) => [name, tensor && intoTensor(tensor)]),
      );
      const outputs = await session.run(feeds as Feeds, wanted, options as object);
      return Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [name, fetches[name] ?? toOrt(OrtTensor, tensor)]),
      );
    },
    startProfiling: () => session.startProfiling(),
    endProfiling: () => session.endProfiling(),
    dispose: () => session.release(),
  };
}

/** The caller's own memory. */
function intoTensor(given: ort.Tensor): Tensor {
  const type = given.type as Tensor['type'];
  if (given.location === 'gpu-buffer')
    return Tensor.fromGpuBuffer(given.gpuBuffer as GPUBuffer, { dataType: type, dims: given.dims });
  return new Tensor(type, given.data as never, given.dims);
}

function toOrt(OrtTensor: typeof ort.Tensor, tensor: Tensor): ort.Tensor {
  if (tensor.location === 'cpu') return new OrtTensor(tensor.type, tensor.data, tensor.dims);
  return OrtTensor.fromGpuBuffer(tensor.gpuBuffer, {
    dataType: tensor.type as ort.Tensor.GpuBufferDataTypes,
    dims: tensor.dims,
    download: () => tensor.getData() as Promise<never>,
    dispose: () => tensor.dispose(),
  });
}

function wasmHandler(session: ort.InferenceSession): Handler {
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    inputMetadata: session.inputMetadata,
    outputMetadata: session.outputMetadata,
    run: (feeds, fetches, options) => session.run(feeds, fetches, options) as Promise<Record<string, ort.Tensor>>,
    startProfiling: () => session.startProfiling(),
    endProfiling: () => session.endProfiling(),
    dispose: () => session.release(),
  };
}
