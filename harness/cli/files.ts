import { readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { InvalidInputError } from '../../src/errors.ts';
import { writeWhole } from '../process/whole.ts';

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

/** Writes a file, whole or not at all, and the folder it lies in. @throws InvalidInputError where it cannot be written. */
export async function writeOutput(path: string, content: Uint8Array | string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  // of a link, what it leads to; a device such as /dev/stdout stays what it is
  if (there && !there.isFile()) await writeFile(path, content).catch(cannotWrite(path));
  else await writeWhole(there ? await realpath(path) : path, (part) => writeFile(part, content));
}

const cannotWrite =
  (path: string) =>
  (error: Error): never => {
    throw new InvalidInputError(`cannot write ${path}: ${error.message}`);
  };
