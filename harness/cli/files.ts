import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InvalidInputError } from '../../src/errors.ts';

/** @throws InvalidInputError where the file cannot be read. */
export async function readInput(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = await readFile(path).catch((error: Error) => {
    throw new InvalidInputError(`cannot read ${path}: ${error.message}`);
  });
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** Writes a file, and the folder it lies in. @throws InvalidInputError where it cannot be written. */
export async function writeOutput(path: string, content: Uint8Array | string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  } catch (error) {
    throw new InvalidInputError(`cannot write ${path}: ${(error as Error).message}`);
  }
}
