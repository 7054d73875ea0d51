/** The npm packages that an engine's page loads as they are installed; nothing of them is built into exact8. */
export const PACKAGES_OF: Readonly<Record<string, readonly string[]>> = {
  'onnxruntime-webgpu': ['onnxruntime-web'],
  'onnxruntime-wasm': ['onnxruntime-web'],
  'onnxruntime-wasm-int8': ['onnxruntime-web'],
  'tfjs-webgpu': ['@tensorflow/tfjs-core', '@tensorflow/tfjs-converter', '@tensorflow/tfjs-backend-webgpu'],
  'tfjs-wasm': ['@tensorflow/tfjs-core', '@tensorflow/tfjs-converter', '@tensorflow/tfjs-backend-wasm'],
};

/** What can be measured against. */
export const PEER_NAMES: readonly string[] = Object.keys(PACKAGES_OF);

export const OWN = 'exact8';
/** Is it exact8, by whatever plan? */
export const isOwn = (engine: string): boolean => engine === OWN || engine.startsWith(`${OWN} `);

/** Does it run the very file that exact8 runs, and not the float original? */
export const isInt8 = (peer: string): boolean => peer.endsWith('-int8');

/** Peers that are to run on WebGPU: that they do is checked. */
export const isWebgpu = (peer: string): boolean => isOwn(peer) || peer.endsWith('-webgpu');
