import { Exact8Error, UnsupportedModelError } from '../../src/errors.ts';
import { tfliteNames } from '../../src/formats/tflite/read.ts';
import type { ElementData } from '../../src/graph/graph.ts';
import type { TypedGraph } from '../../src/layers/operator.ts';
import { Tensor } from '../../src/tensor.ts';
import { transposed } from '../numpy/transposed.ts';
import type { Oracle } from './onnxruntime_web.ts';
import { watchTflite } from './watch_tflite.ts';

/** TensorFlow Lite itself. */
export const TFJS_TFLITE = {
  /** As `--against` names it. */
  oracle: 'tflite',
  /** The models that it takes. */
  format: 'tflite',
  package: '@tensorflow/tfjs-tflite',
  version: '0.0.1-alpha.10',
  /** The engine whose bits it has. */
  engine: 'tfjs-tflite',
  /** The same in most operators. */
  near: 'xnnpack',
} as const;

interface WasmTensor {
  /** The tensor's number in the file. */
  readonly id: number;
  data(): ElementData;
}

interface List<T> {
  size(): number;
  get(index: number): T;
}

interface Runner {
  GetInputs(): List<WasmTensor>;
  GetOutputs(): List<WasmTensor>;
  Infer(): boolean;
  delete(): void;
}

interface Options {
  readonly numThreads: number;
  readonly enableProfiling: boolean;
  readonly maxProfilingBufferEntries: number;
}

interface Wasm {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
  readonly TFLiteWebModelRunner: {
    CreateFromBufferAndOptions(
      address: number,
      bytes: number,
      options: Options,
    ): { ok(): boolean; errorMessage(): string; value(): Runner };
  };
}

/** tfjs-tflite without the rest of TensorFlow.js: what runs .tflite files. */
export interface TfjsTflite {
  /** @throws UnsupportedModelError where it does not take the model */
  open(model: Uint8Array): { run(feeds: ReadonlyMap<number, ElementData>): Map<number, ElementData>; release(): void };
}

/**
 * Starts tfjs-tflite from its files. They evaluate texts as code, which pages forbid: it runs in Node.
 *
 * @param script tflite_web_api_cc_simd.js
 * @param wasm tflite_web_api_cc_simd.wasm
 */
export async function startTfjsTflite(script: string, wasm: Uint8Array): Promise<TfjsTflite> {
  const log: string[] = [];
  const factory = new Function(`${script}; return tflite_web_api_ModuleFactory`)() as (
    settings: object,
  ) => Promise<Wasm>;
  const printErr = (line: string): void => void log.push(line);
  const module = await factory({ wasmBinary: wasm, print: printErr, printErr });
  const values = <T>(list: List<T>): T[] => Array.from({ length: list.size() }, (_, i) => list.get(i));
  return {
    open(model) {
      const address = module._malloc(model.length);
      module.HEAPU8.set(model, address);
      log.length = 0;
      const options = { numThreads: 1, enableProfiling: false, maxProfilingBufferEntries: 1 };
      const made = module.TFLiteWebModelRunner.CreateFromBufferAndOptions(address, model.length, options);
      if (!made.ok())
        throw new UnsupportedModelError(
          `tfjs-tflite does not take the model: ${[made.errorMessage(), ...log].join('; ')}`,
        );
      const runner = made.value();
      return {
        run(feeds) {
          for (const input of values(runner.GetInputs())) {
            const fed = feeds.get(input.id);
            if (fed) (input.data() as Uint8Array).set(fed as Uint8Array);
          }
          if (!runner.Infer()) throw new Exact8Error(`tfjs-tflite does not run the model: ${log.join('; ')}`);
          return new Map(values(runner.GetOutputs()).map((output) => [output.id, output.data().slice()]));
        },
        release() {
          runner.delete();
          module._free(address);
        },
      };
    },
  };
}

const sameBytes = (a: ElementData, b: ElementData): boolean =>
  a.length === b.length && a.every((value: number | bigint, i: number) => Object.is(value, b[i]));

/**
 * A .tflite file as it is, and with all that it computes as outputs, after which its own outputs have to be the same.
 *
 * @param graph of the same file: the names, types and shapes that tensors have in it
 */
export function tfliteOracle(tflite: TfjsTflite, bytes: Uint8Array, graph: TypedGraph): Oracle {
  const names = tfliteNames(bytes);
  const [untouched, watching] = [tflite.open(bytes), tflite.open(watchTflite(bytes))];
  /** NHWC as NCHW, or back. */
  const turned = (data: ElementData, name: string, isBack: boolean): ElementData => {
    const { shape } = graph.tensors.get(name)!;
    if (shape.length !== 4) return data;
    const [channels, pixels] = [shape[1]!, shape[2]! * shape[3]!];
    return isBack ? transposed(data, channels, pixels) : transposed(data, pixels, channels);
  };
  const named = (results: ReadonlyMap<number, ElementData>): Record<string, Tensor> =>
    Object.fromEntries(
      [...results].flatMap(([id, data]) => {
        const info = graph.tensors.get(names[id]!);
        return info ? [[info.name, new Tensor(info.type, turned(data, info.name, false) as never, info.shape)]] : [];
      }),
    );
  return {
    async run(feeds) {
      const given = new Map(
        Object.entries(feeds).map(([name, { data }]) => [names.indexOf(name), turned(data, name, true)]),
      );
      const outputs = untouched.run(given);
      const all = watching.run(given);
      for (const [id, data] of outputs)
        if (!sameBytes(data, all.get(id)!))
          return {
            outputs: named(outputs),
            tensors: {},
            disturbed: `tfjs-tflite computes another ${names[id]} when all of the model's tensors are outputs`,
          };
      return { outputs: named(outputs), tensors: named(all) };
    },
    async release() {
      untouched.release();
      watching.release();
    },
  };
}
