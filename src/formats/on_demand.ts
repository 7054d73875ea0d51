import type { Graph } from '../graph/graph.ts';
import { sniff, type Format } from './sniff.ts';

const READERS: Readonly<Record<Format, () => Promise<(bytes: Uint8Array) => Graph>>> = {
  onnx: async () => (await import('./onnx/read.ts')).readOnnx,
  tflite: async () => (await import('./tflite/read.ts')).readTflite,
  torch: async () => (await import('./torch/index.ts')).readTorch,
};

/** As readModel; the reader is imported once a file asks for it. */
export async function loadModel(file: unknown): Promise<Graph> {
  const { bytes, format } = sniff(file);
  const read = await READERS[format]();
  return read(bytes);
}
