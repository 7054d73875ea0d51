import { fileURLToPath } from 'node:url';
import type { CDPSession, Page } from 'playwright';
import {
  DeviceError,
  Exact8Error,
  InvalidInputError,
  InvalidModelError,
  UnsupportedModelError,
} from '../../src/errors.ts';
import type { Tensor } from '../../src/tensor.ts';
import { requireChrome } from '../chrome/install.ts';
import { openPage, orEnded, type Adapter, type AdapterChoice } from '../chrome/launch.ts';
import { servePage, type PageServer } from '../chrome/server.ts';
import { decodeFile } from '../images/decode_file.ts';
import type { Picture } from '../images/picture.ts';
import { openProcess } from '../process/launch.ts';
import type { Runtime } from '../process/runtimes.ts';
import { PATIENCE_S, withPatience } from '../worker/patience.ts';
import type { WorkerHost, WorkerMethods } from '../worker/protocol.ts';
import type { RemoteTensor } from '../worker/remote.ts';
import type { BenchMethods } from './protocol.ts';

/** Where WebGPU is measured. */
export interface Host {
  readonly webgpu: 'chrome' | Runtime;
  readonly adapter: AdapterChoice;
  /** Seconds without progress after which calls give up. */
  readonly timeout?: number;
}

/** A WebGPU to measure in: a headless Chrome with the worker's page, or a process. */
export interface BenchBrowser {
  readonly adapter: Adapter;
  /** Whose WebGPU it is, with its version, for people. */
  readonly runtime: string;
  decode(file: Uint8Array): Promise<Picture>;
  /** Makes bytes available to the worker; returns the path to fetch them from. */
  addBlob(bytes: Uint8Array): string;
  addTensor(tensor: Tensor): RemoteTensor;
  call<M extends keyof BenchMethods>(
    method: M,
    ...args: Parameters<BenchMethods[M]>
  ): Promise<Awaited<ReturnType<BenchMethods[M]>>>;
  /** What the page alone can do. */
  readonly page?: BenchPage;
  close(): Promise<void>;
}

export interface BenchPage {
  /** The page again, in the same process with the same caches. */
  reload(): Promise<void>;
  /** After a garbage collection. */
  heap(): Promise<Heap>;
}

/** A page's memory, in bytes. */
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
const WORKER_PAGE = '/harness/worker/index.html';
/** Timestamps of full resolution, in place of multiples of 0.1 ms. */
const FLAGS = ['--enable-webgpu-developer-features'];
const ERRORS = [DeviceError, InvalidInputError, InvalidModelError, UnsupportedModelError];

/**
 * A fresh process; of Chrome, with a fresh profile.
 *
 * @param packages whose files the page may load, by name
 * @throws NoBrowserError where there is no Chrome, no package that `webgpu` needs, or no adapter
 */
export async function openBench(
  { webgpu, adapter: choice, timeout = PATIENCE_S }: Host,
  packages: Readonly<Record<string, string>>,
): Promise<BenchBrowser> {
  const server = await servePage(PAGES, packages);
  const opening = webgpu === 'chrome' ? openChrome(choice, server) : openProcess(webgpu, choice, server);
  const host: WorkerHost & { page?: BenchPage } = await opening.catch(async (error) => {
    await server.close();
    throw error;
  });
  const callHost = withPatience(host, timeout);
  async function call<M extends keyof WorkerMethods>(method: M, args: Parameters<WorkerMethods[M]>): Promise<unknown> {
    const reply = await callHost(method, args);
    if ('error' in reply) throw revive(reply.error);
    return reply.value;
  }
  return {
    adapter: host.adapter,
    runtime: host.runtime,
    ...(host.page && { page: host.page }),
    async decode(file) {
      if (webgpu !== 'chrome') return decodeFile(file);
      const { path, bytes } = server.expectResult();
      const size = await call('decode', [server.addBlob(file), path]);
      return { ...(size as { width: number; height: number }), data: await bytes };
    },
    call: async (method, ...args) => (await call('bench', [method, args])) as never,
    addBlob: (bytes) => server.addBlob(bytes),
    addTensor({ type, dims, data }) {
      return { type, dims, path: server.addBlob(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) };
    },
    async close() {
      await host.close();
      await server.close();
    },
  };
}

async function openChrome(choice: AdapterChoice, server: PageServer): Promise<WorkerHost & { page: BenchPage }> {
  const executable = requireChrome();
  const { page, adapter, version, close } = await openPage(executable, server.url + WORKER_PAGE, choice, FLAGS);
  const ended = orEnded(executable);
  const heap = await heapOf(page);
  return {
    adapter,
    runtime: version,
    call: (...request) => page.evaluate((request) => globalThis.exact8Worker(...request), request).catch(ended),
    close,
    page: { reload: async () => void (await page.reload().catch(ended)), heap: () => heap().catch(ended) },
  };
}

async function heapOf(page: Page): Promise<BenchPage['heap']> {
  const devtools: CDPSession = await page.context().newCDPSession(page);
  return async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = await devtools.send('Runtime.getHeapUsage');
    return { used: usedSize, embedder: embedderHeapUsedSize, arrays: backingStorageSize };
  };
}

/** An error of the worker, in its own class. */
function revive({ name, message }: { name: string; message: string }): Error {
  const known = ERRORS.find((type) => new type().name === name);
  return known ? new known(message) : new Exact8Error(`${name}: ${message}`);
}
