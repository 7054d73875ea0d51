import type * as Ort from 'onnxruntime-web';
import { PACKAGES } from './packages_url.ts';
import type { Peer } from './peer.ts';

/** Its own files, as they are in the package. */
const FILES = `${PACKAGES}/onnxruntime-web/dist`;

/** onnxruntime-web with its defaults. Model: `model`, as ONNX: the float network, or the int8 one. */
function onnxruntime(file: string, provider: 'webgpu' | 'wasm'): Peer {
  let ort: typeof Ort;
  return {
    async start() {
      ort = (await import(/* @vite-ignore */ `${FILES}/${file}`)) as typeof Ort;
      ort.env.logLevel = 'error';
      // the runtime comes up with its first session: a model of one node
      const session = await ort.InferenceSession.create(identityModel(), { executionProviders: [provider] });
      await session.release();
    },
    async load({ model }, { dims, nchw }) {
      const session = await ort.InferenceSession.create(model!, { executionProviders: [provider] });
      const run = async (): Promise<Float32Array> => {
        const outputs = await session.run({
          [session.inputNames[0]!]: new ort.Tensor(nchw.type as 'float32', nchw.data as Float32Array, dims),
        });
        return (await outputs[session.outputNames[0]!]!.getData()) as Float32Array;
      };
      return {
        run,
        async stream(inferences) {
          // a session refuses a second run while one is under way
          for (let i = 0; i < inferences; i++) await run();
        },
        release: () => session.release(),
      };
    },
  };
}

/** y = Identity(x) for float32 [1]: IR version 7, operator set 13. */
function identityModel(): Uint8Array {
  const message = (field: number, ...bytes: number[]): number[] => [(field << 3) | 2, bytes.length, ...bytes];
  const text = (field: number, value: string): number[] => message(field, ...new TextEncoder().encode(value));
  const number = (field: number, value: number): number[] => [field << 3, value];
  const shape = message(2, ...message(1, ...number(1, 1)));
  const value = (name: string): number[] => [...text(1, name), ...message(2, ...message(1, ...number(1, 1), ...shape))];
  const node = [...text(1, 'x'), ...text(2, 'y'), ...text(4, 'Identity')];
  const graph = [...message(1, ...node), ...text(2, 'g'), ...message(11, ...value('x')), ...message(12, ...value('y'))];
  return Uint8Array.from([...number(1, 7), ...message(7, ...graph), ...message(8, ...number(2, 13))]);
}

export const onnxruntimeWebgpu = (): Peer => onnxruntime('ort.webgpu.min.mjs', 'webgpu');
export const onnxruntimeWasm = (): Peer => onnxruntime('ort.wasm.min.mjs', 'wasm');
