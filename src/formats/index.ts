import type { Graph } from '../graph/graph.ts';
import { ending } from './ending.ts';
import { readOnnx, type ReadOptions } from './onnx/read.ts';
import { sniff, type Format } from './sniff.ts';
import { readTflite } from './tflite/read.ts';
import { readTorch } from './torch/index.ts';

export { bytesOf } from './sniff.ts';

const READERS: Readonly<Record<Format, (bytes: Uint8Array, options: ReadOptions) => Graph>> = {
  onnx: readOnnx,
  tflite: (bytes, options) => ending(readTflite(bytes), options),
  torch: (bytes, options) => ending(readTorch(bytes), options),
};

/**
 * Reads a model file; the format is recognised by its content.
 *
 * @throws InvalidInputError where it is given no bytes, InvalidModelError where the bytes are no whole model, UnsupportedModelError where it asks for more than is supported
 */
export function readModel(file: Uint8Array | ArrayBufferLike, options: ReadOptions = {}): Graph {
  const { bytes, format } = sniff(file);
  return READERS[format](bytes, options);
}
