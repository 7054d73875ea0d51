import type { Page } from 'playwright';
import { openWorker, type Host, type OpenWorker } from '../worker/open.ts';
import type { BenchMethods } from './protocol.ts';

/** A WebGPU to measure in: a headless Chrome with the worker's page, or a process. */
export interface BenchBrowser extends Omit<OpenWorker, 'call' | 'page'> {
  call<M extends keyof BenchMethods>(
    method: M,
    ...args: Parameters<BenchMethods[M]>
  ): Promise<Awaited<ReturnType<BenchMethods[M]>>>;
  /** What the page alone can do. */
  readonly page?: BenchPage;
}

interface BenchPage {
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

/** Timestamps of full resolution, in place of multiples of 0.1 ms. */
const FLAGS = ['--enable-webgpu-developer-features'];

/**
 * A fresh process; of Chrome, with a fresh profile.
 *
 * @param packages whose files the page may load, by name
 * @throws NoBrowserError where there is no Chrome, no package that `webgpu` needs, or no adapter
 */
export async function openBench(host: Host, packages: Readonly<Record<string, string>>): Promise<BenchBrowser> {
  const { page: opened, call, ...worker } = await openWorker(host, { packages, flags: FLAGS });
  return {
    ...worker,
    ...(opened && { page: await benchPage(opened) }),
    call: async (method, ...args) => (await call('bench', method, args)) as never,
  };
}

async function benchPage({ page, ended }: OpenWorker['page'] & object): Promise<BenchPage> {
  const heap = await heapOf(page);
  return { reload: async () => void (await page.reload().catch(ended)), heap: () => heap().catch(ended) };
}

async function heapOf(page: Page): Promise<BenchPage['heap']> {
  const devtools = await page.context().newCDPSession(page);
  return async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = await devtools.send('Runtime.getHeapUsage');
    return { used: usedSize, embedder: embedderHeapUsedSize, arrays: backingStorageSize };
  };
}
