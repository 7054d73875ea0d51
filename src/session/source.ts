import { InvalidInputError } from '../errors.ts';
import { bytesOf } from '../formats/sniff.ts';
import type { Graph } from '../graph/graph.ts';
import { isRecord, kindOf } from '../kind_of.ts';

/** A Response or a Blob. */
interface Body {
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** A ReadableStream of bytes. */
interface Stream {
  getReader(): Reader;
}

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): Promise<void>;
}

/** Where a model comes from: the URL of its file, the file's bytes, what gives them, or a graph that readModel gave. */
export type ModelSource = string | { readonly href: string } | Uint8Array | ArrayBufferLike | Body | Stream | Graph;

/** How far `create`, or a `warmUp` that measures, has come. */
export interface Progress {
  readonly stage: 'load' | 'compile' | 'measure';
  /** Bytes of the file; pipelines of the plan; whole plans. */
  readonly done: number;
  /** Left out while nobody knows. */
  readonly total?: number;
}

/** What may be asked of work that takes a while. */
export interface Patience {
  /** Ends the work: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignalLike | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What is used of an AbortSignal. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
}

/** @throws the signal's reason, once there is one */
export function expectGoing({ signal }: Patience): void {
  if (signal?.aborted) throw signal.reason;
}

/**
 * The bytes of a model's file.
 *
 * @returns undefined for what is neither bytes nor gives them
 * @throws InvalidInputError where a URL or a stream gives none; the reason of the signal
 */
export async function bytesFrom(source: unknown, patience: Patience = {}): Promise<Uint8Array | undefined> {
  expectGoing(patience);
  if (typeof source === 'string') return load(source, patience);
  if (!isRecord(source)) return bytesOf(source);
  if (typeof source['href'] === 'string') return load(source['href'], patience);
  if (source['ok'] === false)
    throw new InvalidInputError(`${kindOf(source['url'])} answered ${String(source['status'])}, and no model`);
  if (isStream(source['body'])) return readAll(source['body'], lengthOf(source), patience);
  if (isStream(source)) return readAll(source, undefined, patience);
  if (typeof source['arrayBuffer'] === 'function')
    return bytesOf(await (source as Readonly<Record<string, unknown>> & Body).arrayBuffer());
  return bytesOf(source);
}

async function load(url: string, patience: Patience): Promise<Uint8Array | undefined> {
  const { fetch } = globalThis as { fetch?: (url: string, init: object) => Promise<unknown> };
  if (!fetch) throw new InvalidInputError(`nothing here fetches ${kindOf(url)}; give the file's bytes`);
  const { signal } = patience;
  const response = await fetch(url, signal ? { signal } : {}).catch((cause: unknown) => {
    expectGoing(patience);
    throw new InvalidInputError(`${kindOf(url)} cannot be fetched: ${String(cause)}`, { cause });
  });
  return bytesFrom(response, patience);
}

const isStream = (value: unknown): value is Stream & Readonly<Record<string, unknown>> =>
  isRecord(value) && typeof value['getReader'] === 'function';

/** Unknown where the body is sent compressed: the header counts other bytes. */
function lengthOf({ headers }: Readonly<Record<string, unknown>>): number | undefined {
  const { get } = (isRecord(headers) ? headers : {}) as { get?: (name: string) => string | null };
  const header = (name: string): string | null => get?.call(headers, name) ?? null;
  const length = Number(header('content-length') ?? NaN);
  return Number.isSafeInteger(length) && !header('content-encoding') ? length : undefined;
}

async function readAll(stream: Stream, total: number | undefined, patience: Patience): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let done = 0;
  const reader = stream.getReader();
  for (;;) {
    if (patience.signal?.aborted) await reader.cancel(patience.signal.reason).catch(() => undefined);
    expectGoing(patience);
    const next = await reader.read();
    if (next.done) break;
    const part = bytesOf(next.value);
    if (!part) throw new InvalidInputError(`a model's stream gives bytes; got ${kindOf(next.value)}`);
    parts.push(part);
    done += part.length;
    patience.onProgress?.({ stage: 'load', done, ...(total !== undefined && { total }) });
  }
  const bytes = new Uint8Array(done);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
