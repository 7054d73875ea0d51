import type { Graph } from '../graph/graph.ts';
import { onDemand } from '../on_demand.ts';
import { ending } from './ending.ts';
import type { ReadOptions } from './onnx/read.ts';
import { sniff, type Format } from './sniff.ts';

const READERS: Readonly<Record<Format, () => Promise<(bytes: Uint8Array, options: ReadOptions) => Graph>>> = {
  onnx: async () => (await import('./onnx/read.ts')).readOnnx,
  tflite: async () => {
    const { readTflite } = await import('./tflite/read.ts');
    return (bytes, options) => ending(readTflite(bytes), options);
  },
  torch: async () => {
    const { readTorch } = await import('./torch/index.ts');
    return (bytes, options) => ending(readTorch(bytes), options);
  },
};

/** As readModel; the reader is imported once a file asks for it. */
export async function loadModel(file: unknown, options: ReadOptions = {}): Promise<Graph> {
  const { bytes, format } = sniff(file);
  const read = await onDemand(`the reader of '${format}'`, READERS[format]);
  return read(bytes, options);
}
