import * as ort from 'onnxruntime-web/wasm';
import wasmLoader from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { Exact8Error, UnsupportedModelError } from '../../src/errors.ts';
import { parseOnnx } from '../../src/formats/onnx/proto.ts';
import { Tensor } from '../../src/tensor.ts';
import type { ElementType } from '../../src/graph/graph.ts';
import { asUnsigned } from './as_unsigned.ts';
import { watchOutputs, type WatchedTensor } from './watch_outputs.ts';

/** The reference cannot be trusted: watching its tensors changed its result. */
export class DisturbedOracleError extends Exact8Error {
  override name = 'DisturbedOracleError';
}

/** There is no reference: onnxruntime-web does not start, whatever the model. */
export class NoOracleError extends Exact8Error {
  override name = 'NoOracleError';
}

interface OracleResult {
  /** The final outputs of the untouched file. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Every watched tensor that the file has; none where watching disturbs the model. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Why only the outputs are known: what watching changes. */
  readonly disturbed?: string;
}

/** onnxruntime-web (wasm, one thread, graph optimization level 'all') as the engine to compare with. */
export interface Oracle {
  run(feeds: Readonly<Record<string, Tensor>>): Promise<OracleResult>;
  release(): Promise<void>;
}

const OPTIONS: ort.InferenceSession.SessionOptions = {
  executionProviders: ['wasm'],
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
};

/**
 * Opens an ONNX file twice in onnxruntime-web: untouched, and with `tensors` as further outputs. Runs in a page,
 * whose build has onnxruntime-web's files, or where `ort.env.wasm.wasmPaths` says where they are.
 *
 * Which tensors can be watched is the caller's to know: QuantizeLinear outputs and tensors that are float in the
 * engine; others would undo the fusions. What onnxruntime makes uint8 of the file's int8 tensors is watched as uint8.
 *
 * Tensors that the file does not have, steps of exact8's own between its tensors, are not watched.
 *
 * @throws UnsupportedModelError where onnxruntime-web does not take the model.
 */
export async function createOnnxruntimeWeb(model: Uint8Array, tensors: readonly WatchedTensor[]): Promise<Oracle> {
  const untouched = await createSession(model);
  const inFile = new Set(parseOnnx(model).graph?.nodes.flatMap(({ outputs }) => outputs));
  const known = tensors.filter(({ name }) => inFile.has(name));
  const watched = known.filter(({ name }) => !untouched.outputNames.includes(name));
  const watching = await createSession(watchOutputs(asUnsigned(model, watched), watched)).catch(
    (error: Error) => error,
  );
  return {
    async run(feeds) {
      const outputs = await runSession(untouched, feeds);
      const only = (disturbed: string): OracleResult => ({ outputs, tensors: {}, disturbed });
      if (watching instanceof Error) return only(watching.message);
      const all = await runSession(watching, feeds);
      for (const [name, output] of Object.entries(outputs))
        if (!sameBits(output, all[name]!))
          return only(
            `onnxruntime-web computes another ${name} when ${watched.length} of the model's tensors are watched`,
          );
      return { outputs, tensors: Object.fromEntries(known.map(({ name }) => [name, all[name]!])) };
    },
    async release() {
      await untouched.release();
      if (!(watching instanceof Error)) await watching.release();
    },
  };
}

/**
 * One inference of a file as it is, for models so small that a session is made for each.
 *
 * @throws UnsupportedModelError where onnxruntime-web does not take the model.
 */
export async function runOnnxruntimeWeb(
  model: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const session = await createSession(model);
  try {
    return await runSession(session, feeds);
  } finally {
    await session.release();
  }
}

const urlOf = (file: string): string => new URL(file, import.meta.url).href;

async function createSession(model: Uint8Array): Promise<ort.InferenceSession> {
  // wherever the page lies
  ort.env.wasm.wasmPaths ??= { mjs: urlOf(wasmLoader), wasm: urlOf(wasm) };
  ort.env.wasm.numThreads = 1;
  return ort.InferenceSession.create(model, OPTIONS).catch((error: Error) => {
    // as where its WebAssembly is not found
    if (error.message.startsWith('no available backend'))
      throw new NoOracleError(`onnxruntime-web does not start: ${error.message}`);
    throw new UnsupportedModelError(`onnxruntime-web does not take the model: ${error.message}`);
  });
}

async function runSession(
  session: ort.InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const inputs = Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]);
  const results = Object.entries(await session.run(Object.fromEntries(inputs) as Record<string, ort.Tensor>));
  return Object.fromEntries(results.map(([name, { type, data, dims }]) => [name, toTensor(type, data, dims)]));
}

function toTensor(type: ort.Tensor.Type, data: ort.Tensor.DataType, dims: readonly number[]): Tensor {
  // Tensor itself refuses data of a type that exact8 does not have.
  return new Tensor(type as ElementType, data as Tensor['data'], dims);
}

function sameBits(a: Tensor, b: Tensor): boolean {
  const [x, y] = [a, b].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) as [
    Uint8Array,
    Uint8Array,
  ];
  return a.type === b.type && x.length === y.length && x.every((byte, i) => byte === y[i]);
}
