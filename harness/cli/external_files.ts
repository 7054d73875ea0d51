import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { Exact8Error, InvalidInputError } from '../../src/errors.ts';
import { parseOnnx, type OnnxTensor } from '../../src/formats/onnx/proto.ts';
import type { ExternalData } from '../../src/formats/onnx/tensors.ts';
import { readInput } from './files.ts';

/**
 * The files beside a model's in which it keeps its data.
 *
 * @throws InvalidInputError for one that is not in the model's folder, or not to be read
 */
export async function externalFiles(path: string, model: Uint8Array): Promise<ExternalData> {
  const locations = new Set(initializersOf(model).flatMap(({ external }) => external?.['location'] ?? []));
  const folder = dirname(await realpath(path));
  const files: Record<string, Uint8Array> = {};
  for (const location of locations) {
    const file = join(folder, location);
    const found = await realpath(file).catch(() => file);
    const way = relative(folder, found);
    if (isAbsolute(location) || way === '' || isAbsolute(way) || way.split(/[\\/]/)[0] === '..')
      throw new InvalidInputError(
        `${path} keeps data in '${location}', which is not in its folder; supported: files in the model's folder`,
      );
    files[location] = await readInput(found);
  }
  return files;
}

function initializersOf(model: Uint8Array): readonly OnnxTensor[] {
  try {
    return parseOnnx(model).graph?.initializers ?? [];
  } catch (error) {
    // of another format, or damaged, which its reader says better
    if (error instanceof Exact8Error) return [];
    throw error;
  }
}
