import { InvalidModelError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { ReadOptions } from './onnx/read.ts';
import { sniff, type Format } from './sniff.ts';

/** A reader of files of one format, which refuses all others by name. */
export function reading(
  own: Format,
  read: (bytes: Uint8Array, options: ReadOptions) => Graph,
): (file: Uint8Array | ArrayBufferLike, options?: ReadOptions) => Graph {
  return (file, options = {}) => {
    const { bytes, format } = sniff(file);
    if (format !== own)
      throw new InvalidModelError(`the file is for exact8/${format}; exact8/${own} reads no other; exact8 reads all`);
    return read(bytes, options);
  };
}
