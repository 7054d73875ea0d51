import { InvalidModelError, UnsupportedModelError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { readOnnx } from './onnx/read.ts';
import { isTorch, readTorch } from './torch/index.ts';

const SUPPORTED = "ONNX, and PyTorch's .pth of a quantized MobileNetV2";

const ascii = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));

/** What the first bytes show of files that are often given by mistake. */
function mistakenFor(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'a JPEG picture';
  if (ascii(bytes, 1, 4) === 'PNG') return 'a PNG picture';
  if (ascii(bytes, 0, 4) === 'GGUF') return 'a GGUF file';
  const head = bytes.subarray(0, 256);
  if (head.every((b) => b === 9 || b === 10 || b === 13 || (b >= 32 && b < 127))) return 'a text file';
  return undefined;
}

/**
 * Reads a model file; the format is recognised by its content.
 *
 * @throws InvalidModelError where the bytes are no whole model, UnsupportedModelError where it asks for more than is supported
 */
export function readModel(bytes: Uint8Array): Graph {
  if (bytes.length === 0) throw new InvalidModelError('the model file is empty');
  const mistake = mistakenFor(bytes);
  if (mistake) throw new InvalidModelError(`this is ${mistake}, not a model; supported: ${SUPPORTED}`);
  if (ascii(bytes, 4, 8) === 'TFL3')
    throw new UnsupportedModelError(`a TensorFlow Lite model; supported: ${SUPPORTED}`);
  return isTorch(bytes) ? readTorch(bytes) : readOnnx(bytes);
}
