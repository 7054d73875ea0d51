import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/** The folder of onnxruntime-web's own files, wherever the package is installed. */
export function ortFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'));
}
