import { InvalidModelError, UnsupportedModelError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { readOnnx } from './onnx/read.ts';
import { isTorch, readTorch } from './torch/index.ts';

const SUPPORTED = "ONNX, and PyTorch's .pth of a quantized MobileNetV2";

const ascii = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));

/** Files, how they begin, and at which byte that is. */
const SIGNATURES: readonly (readonly [what: string, signature: string, at?: number])[] = [
  ['a JPEG picture', '\xff\xd8'],
  ['a PNG picture', '\x89PNG'],
  ['a GIF picture', 'GIF8'],
  ['a WebP picture', 'WEBP', 8],
  ['a GGUF file', 'GGUF'],
  ['a zip archive without a data.pkl at its beginning', 'PK\x03\x04'],
  ['a gzip file', '\x1f\x8b'],
  ['an HDF5 file (of Keras?)', '\x89HDF'],
  ['a PDF document', '%PDF'],
];

/** What the first bytes show of files that are often given by mistake. */
function mistakenFor(bytes: Uint8Array): string | undefined {
  const found = SIGNATURES.find(([, signature, at = 0]) => ascii(bytes, at, at + signature.length) === signature);
  if (found) return found[0];
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
  if (isTorch(bytes)) return readTorch(bytes);
  const mistake = mistakenFor(bytes);
  if (mistake) throw new InvalidModelError(`this is ${mistake}, not a model; supported: ${SUPPORTED}`);
  if (ascii(bytes, 4, 8) === 'TFL3')
    throw new UnsupportedModelError(`a TensorFlow Lite model; supported: ${SUPPORTED}`);
  return readOnnx(bytes);
}
