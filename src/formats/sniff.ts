import { InvalidInputError, InvalidModelError } from '../errors.ts';
import { kindOf } from '../kind_of.ts';
import { isTorch } from './torch/signature.ts';

const SUPPORTED = "ONNX, TensorFlow Lite, TorchScript, and a .pth of one of torchvision's quantized networks";

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
  ['a Git LFS pointer (git lfs pull brings the file that it stands for)', 'version https://git-lfs'],
];

/** What the first bytes show of files that are often given by mistake. */
function mistakenFor(bytes: Uint8Array): string | undefined {
  const found = SIGNATURES.find(([, signature, at = 0]) => ascii(bytes, at, at + signature.length) === signature);
  if (found) return found[0];
  const head = bytes.subarray(0, 256);
  if (head.every((b) => b === 9 || b === 10 || b === 13 || (b >= 32 && b < 127))) return 'a text file';
  return undefined;
}

/** The bytes that a view or a buffer holds; undefined where it is neither. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value))
    return bytesOf(value.buffer)!.subarray(value.byteOffset, value.byteOffset + value.byteLength);
  const kind = Object.prototype.toString.call(value);
  // of a buffer that was transferred there is no view
  if (kind === '[object ArrayBuffer]')
    return (value as ArrayBuffer).byteLength > 0 ? new Uint8Array(value as ArrayBuffer) : new Uint8Array(0);
  // texts are not decoded from shared memory
  if (kind === '[object SharedArrayBuffer]') return new Uint8Array(value as SharedArrayBuffer).slice();
  return undefined;
}

export type Format = 'onnx' | 'tflite' | 'torch';

/**
 * What a model file is, by its content.
 *
 * @throws InvalidInputError where it is given no bytes, InvalidModelError where the bytes are those of no model
 */
export function sniff(file: unknown): { readonly bytes: Uint8Array; readonly format: Format } {
  const bytes = bytesOf(file);
  if (!bytes)
    throw new InvalidInputError(
      `a model file is given as its bytes (Uint8Array, ArrayBuffer), got ${kindOf(file)}; ` +
        'of a URL they are await (await fetch(url)).arrayBuffer()',
    );
  if (bytes.length === 0) throw new InvalidModelError('the model file is empty, or its buffer was transferred');
  if (isTorch(bytes)) return { bytes, format: 'torch' };
  const mistake = mistakenFor(bytes);
  if (mistake) throw new InvalidModelError(`this is ${mistake}, not a model; supported: ${SUPPORTED}`);
  return { bytes, format: ascii(bytes, 4, 8) === 'TFL3' ? 'tflite' : 'onnx' };
}
