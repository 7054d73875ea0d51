import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InvalidInputError } from '../../src/errors.ts';
import { isSystemError } from '../process/whole.ts';

/** A file whose content is known before it is had. */
export interface KnownFile {
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Where it may be had; the first that has it is taken. */
  readonly urls: readonly string[];
}

interface Downloaded {
  /** Where it came from; undefined where it was there already. */
  readonly url?: string;
  /** Bytes that an earlier, interrupted download had left. */
  readonly resumedFrom: number;
}

interface DownloadOptions {
  readonly progress?: (bytes: number) => void;
  /** How long a server may send nothing. */
  readonly idleMilliseconds?: number;
}

const IDLE = 30_000;

/**
 * Has a file at a path, downloading it where it is not there yet. Nothing is at the path until all of it is, with the
 * right SHA-256, on the disk: what arrives is kept at the path with `.part` added, from where the next call goes on.
 *
 * @throws InvalidInputError where no server has the file, what arrives is another one, or it ends too early
 */
export async function download(file: KnownFile, path: string, options: DownloadOptions = {}): Promise<Downloaded> {
  if ((await hashOf(path)) === file.sha256) return { resumedFrom: 0 };
  await mkdir(dirname(path), { recursive: true }).catch((error: Error) => {
    throw new InvalidInputError(`cannot write ${path}: ${error.message}`);
  });
  const failures: string[] = [];
  for (const url of file.urls)
    try {
      return { url, resumedFrom: await downloadFrom(url, file, path, options) };
    } catch (error) {
      if (isSystemError(error)) throw new InvalidInputError(`cannot write ${path}: ${error.message}`);
      if (!(error instanceof InvalidInputError)) throw error;
      failures.push(error.message);
    }
  throw new InvalidInputError(failures.join('\n'));
}

async function downloadFrom(url: string, file: KnownFile, path: string, options: DownloadOptions): Promise<number> {
  const part = `${path}.part`;
  const resumedFrom = await receive(url, file, part, options);
  const hash = await hashOf(part);
  if (hash === file.sha256) {
    await rename(part, path);
    await syncFolder(dirname(path));
    return resumedFrom;
  }
  await rm(part, { force: true });
  // the beginning may have been another file's
  if (resumedFrom > 0) return downloadFrom(url, file, path, options);
  throw new InvalidInputError(`${url}: the file has the SHA-256 ${hash}, not ${file.sha256}: it is another one`);
}

/** Receives what is missing of `part`. @returns how much was there before */
async function receive(
  url: string,
  { bytes }: KnownFile,
  part: string,
  { progress, idleMilliseconds = IDLE }: DownloadOptions,
): Promise<number> {
  const before = (await stat(part).catch(() => undefined))?.size ?? 0;
  // all of it came before something ended the download
  if (before === bytes) return before;
  const start = before < bytes ? before : 0;
  const abort = new AbortController();
  const silence = (): void => abort.abort(new Error(`nothing came for ${idleMilliseconds / 1000} s`));
  let timer = setTimeout(silence, idleMilliseconds);
  let handle: FileHandle | undefined;
  try {
    const headers = { 'Accept-Encoding': 'identity', ...(start > 0 && { Range: `bytes=${start}-` }) };
    const response = await fetch(url, { headers, signal: abort.signal }).catch((error: Error) => {
      throw new InvalidInputError(`${url}: no answer: ${causeOf(error)}`);
    });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new InvalidInputError(`${url}: the server answers ${response.status} ${response.statusText}`.trimEnd());
    }
    // a server that does not know ranges sends all of it
    const resumed = response.status === 206 && response.headers.get('Content-Range')?.startsWith(`bytes ${start}-`);
    let received = resumed ? start : 0;
    handle = await open(part, resumed ? 'a' : 'w');
    const chunks = response.body as unknown as AsyncIterable<Uint8Array>;
    try {
      for await (const chunk of chunks) {
        clearTimeout(timer);
        timer = setTimeout(silence, idleMilliseconds);
        await handle.writeFile(chunk);
        received += chunk.length;
        progress?.(received);
        if (received > bytes) throw new InvalidInputError(`${url}: more than ${bytes} bytes came: it is another file`);
      }
    } catch (error) {
      if (error instanceof InvalidInputError || isWriteError(error)) throw error;
      // what comes behind all of it does not matter
      if (received < bytes) throw new InvalidInputError(tooShort(url, received, bytes, causeOf(error as Error)));
    }
    if (received < bytes) throw new InvalidInputError(tooShort(url, received, bytes, 'the server ended'));
    await handle.sync();
    return resumed ? start : 0;
  } finally {
    clearTimeout(timer);
    await handle?.close();
  }
}

/** Not of the connection. */
const isWriteError = (error: unknown): boolean => isSystemError(error) && error.syscall === 'write';

const tooShort = (url: string, received: number, bytes: number, cause: string): string =>
  `${url}: ${received} of ${bytes} bytes came (${cause}); they are kept, and the same command goes on from there`;

/** The system's own word for a failure, which fetch() wraps. */
function causeOf(error: Error): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? error.message;
}

/** Hexadecimal SHA-256 of a file; undefined where there is none. */
async function hashOf(path: string): Promise<string | undefined> {
  const content = await readFile(path).catch(() => undefined);
  return content && createHash('sha256').update(content).digest('hex');
}

/** After this the new name outlives a crash. */
async function syncFolder(folder: string): Promise<void> {
  // Windows has no such call
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
