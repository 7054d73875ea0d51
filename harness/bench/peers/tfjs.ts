import { PACKAGES } from './packages_url.ts';
import type { Peer } from './peer.ts';
import type { TfjsGraphModel } from './tfjs_graph.ts';

/** As much of TensorFlow.js as is used. */
interface Tf {
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  tensor(data: Float32Array, shape: readonly number[]): TfTensor;
  loadGraphModel(handler: object): Promise<TfModel>;
  readonly io: { fromMemory(model: object): object };
  readonly wasm?: { setWasmPaths(folder: string): void };
}
interface TfTensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface TfModel {
  execute(inputs: TfTensor): TfTensor;
  dispose(): void;
}

declare global {
  /** What TensorFlow.js's scripts make. */
  var tf: Tf | undefined;
}

const FOLDER = `${PACKAGES}/@tensorflow`;
const CORE = [`${FOLDER}/tfjs-core/dist/tf-core.min.js`, `${FOLDER}/tfjs-converter/dist/tf-converter.min.js`];

/**
 * TensorFlow.js with its defaults. Model: `graph`, the JSON of a TfjsGraphModel but for its weights, and `weights`.
 * Both backends live in one TensorFlow.js; each has a model of its own, so that switching moves no weights.
 */
function tfjs(backend: 'webgpu' | 'wasm'): Peer {
  const activate = async (): Promise<Tf> => {
    if (tf!.getBackend() !== backend && !(await tf!.setBackend(backend)))
      throw new Error(`TensorFlow.js does not start its backend ${backend}`);
    return tf!;
  };
  return {
    async start() {
      if (!globalThis.tf) for (const path of CORE) await addScript(path);
      await addScript(`${FOLDER}/tfjs-backend-${backend}/dist/tf-backend-${backend}.min.js`);
      if (backend === 'wasm') tf!.wasm!.setWasmPaths(`${FOLDER}/tfjs-backend-wasm/dist/`);
      await activate();
    },
    async load({ graph, weights }, { dims, nhwc }) {
      const tf = await activate();
      const artifacts = JSON.parse(new TextDecoder().decode(graph)) as Omit<TfjsGraphModel, 'weightData'>;
      const model = await tf.loadGraphModel(tf.io.fromMemory({ ...artifacts, weightData: weights!.buffer }));
      const [n, c, h, w] = dims as [number, number, number, number];
      const begin = (): TfTensor => {
        const x = tf.tensor(nhwc, [n, h, w, c]);
        const y = model.execute(x);
        x.dispose();
        return y;
      };
      const finish = async (y: TfTensor): Promise<Float32Array> => {
        const data = await y.data();
        y.dispose();
        return data;
      };
      return {
        async run() {
          await activate();
          return finish(begin());
        },
        async stream(inferences) {
          await activate();
          await Promise.all(Array.from({ length: inferences }, () => finish(begin())));
        },
        async release() {
          await activate();
          model.dispose();
        },
      };
    },
  };
}

const scripts = new Set<string>();

async function addScript(path: string): Promise<void> {
  if (scripts.has(path)) return;
  scripts.add(path);
  const script = document.createElement('script');
  script.src = path;
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${path} cannot be loaded`));
    document.head.append(script);
  });
}

export const tfjsWebgpu = (): Peer => tfjs('webgpu');
export const tfjsWasm = (): Peer => tfjs('wasm');
