import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InvalidInputError } from '../../src/errors.ts';

/** @throws InvalidInputError where the file cannot be read. */
export async function readInput(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const cannotRead = (error: Error): never => {
    throw new InvalidInputError(`cannot read ${path}: ${error.message}`);
  };
  const found = await stat(path).catch(cannotRead);
  if (found.isDirectory()) return cannotRead(new Error('it is a folder'));
  // /dev/zero has no end
  if (found.isCharacterDevice() || found.isBlockDevice()) return cannotRead(new Error('it is a device'));
  const buffer = await readFile(path).catch(cannotRead);
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
