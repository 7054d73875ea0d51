import { fileURLToPath } from 'node:url';
import type { CDPSession } from 'playwright';
import {
  DeviceError,
  Exact8Error,
  InvalidInputError,
  InvalidModelError,
  UnsupportedModelError,
} from '../../src/errors.ts';
import { requireChrome } from '../chrome/install.ts';
import { openPage, type Adapter, type AdapterChoice } from '../chrome/launch.ts';
import { servePage } from '../chrome/server.ts';
import type { Picture } from '../images/picture.ts';
import type { BenchMethods } from './protocol.ts';

/** A headless Chrome with the bench's page open. */
export interface BenchBrowser {
  readonly adapter: Adapter;
  decode(file: Uint8Array): Promise<Picture>;
  /** Makes bytes available to the page; returns the path to fetch them from. */
  addBlob(bytes: Uint8Array): string;
  call<M extends keyof BenchMethods>(
    method: M,
    ...args: Parameters<BenchMethods[M]>
  ): Promise<Awaited<ReturnType<BenchMethods[M]>>>;
  /** The page again, in the same process with the same caches. */
  reload(): Promise<void>;
  heap(): Promise<Heap>;
  close(): Promise<void>;
}

/** The page's memory after a garbage collection, in bytes. */
export interface Heap {
  /** JavaScript objects. */
  readonly used: number;
  /** What objects of the browser that JavaScript holds take. */
  readonly embedder: number;
  /** Contents of array buffers. */
  readonly arrays: number;
}

/** The built pages: dist/lab, beside dist/cli, where this code runs from. */
const PAGES = fileURLToPath(new URL('../lab/', import.meta.url));
const BENCH_PAGE = '/harness/bench/page/index.html';
/** Timestamps of full resolution, in place of multiples of 0.1 ms. */
const FLAGS = ['--enable-webgpu-developer-features'];
const ERRORS = [DeviceError, InvalidInputError, InvalidModelError, UnsupportedModelError];

/**
 * A fresh process with a fresh profile.
 *
 * @param packages whose files the page may load, by name
 * @throws NoBrowserError where there is no Chrome or no adapter
 */
export async function openBench(
  choice: AdapterChoice,
  packages: Readonly<Record<string, string>>,
): Promise<BenchBrowser> {
  const executable = requireChrome();
  const server = await servePage(PAGES, packages);
  const { page, adapter, close } = await openPage(executable, server.origin + BENCH_PAGE, choice, FLAGS).catch(
    async (error) => {
      await server.close();
      throw error;
    },
  );
  let devtools: CDPSession | undefined;
  const call: BenchBrowser['call'] = async (method, ...args) => {
    const reply = await page.evaluate(([method, args]) => globalThis.exact8Bench(method, args), [
      method,
      args as unknown[],
    ] as const);
    if ('error' in reply) throw revive(reply.error);
    return reply.value as never;
  };
  return {
    adapter,
    async decode(file) {
      const { path, bytes } = server.expectResult();
      const size = await call('decode', server.addBlob(file), path);
      return { ...size, data: await bytes };
    },
    call,
    addBlob: (bytes) => server.addBlob(bytes),
    async reload() {
      await page.reload();
    },
    async heap() {
      devtools ??= await page.context().newCDPSession(page);
      await devtools.send('HeapProfiler.collectGarbage');
      const { usedSize, embedderHeapUsedSize, backingStorageSize } = await devtools.send('Runtime.getHeapUsage');
      return { used: usedSize, embedder: embedderHeapUsedSize, arrays: backingStorageSize };
    },
    async close() {
      await close();
      await server.close();
    },
  };
}

/** An error of the page, in its own class. */
function revive({ name, message }: { name: string; message: string }): Error {
  const known = ERRORS.find((type) => new type().name === name);
  return known ? new known(message) : new Exact8Error(`${name}: ${message}`);
}
