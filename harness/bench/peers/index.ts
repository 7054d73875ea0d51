import type { Peer } from './peer.ts';

/** Every engine that can be measured; each one's code is loaded when it is. */
export const PEERS: Readonly<Record<string, () => Promise<Peer>>> = {
  exact8: async () => (await import('./exact8.ts')).exact8(),
  'onnxruntime-webgpu': async () => (await import('./onnxruntime.ts')).onnxruntimeWebgpu(),
  'onnxruntime-wasm': async () => (await import('./onnxruntime.ts')).onnxruntimeWasm(),
  // the model that it is given is the int8 one
  'onnxruntime-wasm-int8': async () => (await import('./onnxruntime.ts')).onnxruntimeWasm(),
  'tfjs-webgpu': async () => (await import('./tfjs.ts')).tfjsWebgpu(),
  'tfjs-wasm': async () => (await import('./tfjs.ts')).tfjsWasm(),
};
