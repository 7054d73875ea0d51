import { rmSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InvalidInputError } from '../../src/errors.ts';

/**
 * Lets `write` fill a file or folder beside `path`, which takes its place when it is whole: there is never half of it,
 * whether the disk is full, something fails, or the process is told to end.
 *
 * @throws InvalidInputError where it cannot be written
 */
export async function writeWhole<T>(path: string, write: (part: string) => Promise<T>): Promise<T> {
  const part = `${resolve(path)}.${process.pid}.part`;
  const remove = (): void => {
    try {
      rmSync(part, { recursive: true, force: true });
    } catch {
      // where there can be nothing: below a file
    }
  };
  process.once('exit', remove);
  try {
    await mkdir(dirname(part), { recursive: true });
    const result = await write(part);
    await rename(part, resolve(path));
    return result;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new InvalidInputError(`cannot write ${path}: ${error.message}`, { cause: error });
  } finally {
    remove();
    process.removeListener('exit', remove);
  }
}

/** An error of the operating system, which is about files here. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
