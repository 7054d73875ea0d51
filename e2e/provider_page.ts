import * as ort from 'onnxruntime-web/wasm';
import wasmLoader from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { openInWasm, register } from '../src/onnxruntime.ts';

ort.env.wasm.wasmPaths = { mjs: wasmLoader, wasm };
ort.env.wasm.numThreads = 1;

export { openInWasm, ort, register };

/** A program that knows onnxruntime only, as people write it: each output, by the provider that it is told. */
export async function program(
  model: string | Uint8Array,
  options: ort.InferenceSession.SessionOptions,
): Promise<Record<string, string>> {
  const session = await ort.InferenceSession.create(model as string, options);
  const inputs = session.inputMetadata.map((input) => {
    if (!input.isTensor) throw new Error('no tensor');
    const dims = input.shape.map((d) => (typeof d === 'number' ? d : 1));
    const values = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i) * 2);
    const data = input.type === 'uint8' ? Uint8Array.from(values, (v) => 128 + 60 * v) : values;
    return [input.name, new ort.Tensor(input.type, data, dims)] as const;
  });
  const results = await session.run(Object.fromEntries(inputs));
  const entries = await Promise.all(
    session.outputNames.map(async (name): Promise<[string, string]> => {
      const tensor = results[name]!;
      if (!(tensor instanceof ort.Tensor)) throw new Error('no tensor of onnxruntime');
      return [name, `${tensor.type} [${tensor.dims.join()}]: ${(await tensor.getData()).join()}`];
    }),
  );
  await session.release();
  return Object.fromEntries(entries);
}
