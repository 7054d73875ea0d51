/** Opens a worker, in a page of headless Chrome or Firefox or in a process, and calls it from here. */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';
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
import { openFirefox } from '../firefox/launch.ts';
import { loadPuppeteer } from '../firefox/puppeteer.ts';
import { decodeFile } from '../images/decode_file.ts';
import type { Picture } from '../../src/pictures/picture.ts';
import { openProcess } from '../process/launch.ts';
import type { Runtime } from '../process/runtimes.ts';
import { PATIENCE_S, withPatience } from './patience.ts';
import type { WorkerHost, WorkerMethods, WorkerReply } from './protocol.ts';
import type { RemoteTensor } from './remote.ts';

/** Where WebGPU is: headless Chrome or Firefox, or without a browser Dawn in Node, wgpu in Deno. */
export interface Host {
  readonly webgpu?: 'chrome' | 'firefox' | Runtime;
  readonly adapter: AdapterChoice;
  /** Seconds without progress after which calls give up. */
  readonly timeout?: number;
}

export interface OpenWorker {
  readonly adapter: Adapter;
  /** Whose WebGPU it is, with its version, for people. */
  readonly runtime: string;
  /** What the worker throws is thrown here, in its own class. */
  call<M extends keyof WorkerMethods>(
    method: M,
    ...args: Parameters<WorkerMethods[M]>
  ): Promise<Awaited<ReturnType<WorkerMethods[M]>>>;
  /** Makes bytes available to the worker; returns the path to fetch them from. */
  addBlob(bytes: Uint8Array): string;
  addTensor(tensor: Tensor): RemoteTensor;
  /** A path that the worker posts bytes to. */
  expectResult: PageServer['expectResult'];
  decode(file: Uint8Array): Promise<Picture>;
  /** Chrome's page, and what to make of an error of its. */
  readonly page?: { readonly page: Page; readonly ended: (error: Error) => never };
  close(): Promise<void>;
}

/** The built pages: dist/lab, beside dist/cli, where this code runs from. */
const PAGES = fileURLToPath(new URL('../lab/', import.meta.url));
const WORKER_PAGE = '/harness/worker/index.html';

const ERRORS = [DeviceError, InvalidInputError, InvalidModelError, UnsupportedModelError];

/**
 * A fresh process; of Chrome, with a fresh profile.
 *
 * @param options packages whose files the page may load, by name; flags of Chrome
 * @throws NoBrowserError where there is no Chrome, no package that `webgpu` needs, or no adapter
 */
export async function openWorker(
  { webgpu = 'chrome', adapter, timeout = PATIENCE_S }: Host,
  options: { readonly packages?: Readonly<Record<string, string>>; readonly flags?: readonly string[] } = {},
): Promise<OpenWorker> {
  const server = await servePage(PAGES, options.packages);
  const opening =
    webgpu === 'chrome'
      ? openChrome(adapter, server, options.flags)
      : webgpu === 'firefox'
        ? openInFirefox(adapter, server)
        : openProcess(webgpu, adapter, server);
  const host: WorkerHost & Pick<OpenWorker, 'page'> = await opening.catch(async (error) => {
    await server.close();
    throw error;
  });
  const callHost = withPatience(host, timeout);
  const worker: OpenWorker = {
    ...host,
    async call(method, ...args) {
      const reply = await callHost(method, args);
      if ('error' in reply) throw revive(reply.error);
      return reply.value as never;
    },
    addBlob: (bytes) => server.addBlob(bytes),
    addTensor: ({ type, dims, data }) => ({
      type,
      dims,
      path: server.addBlob(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    }),
    expectResult: () => server.expectResult(),
    async decode(file) {
      // Chrome's decoder, and what was compared with it
      if (webgpu !== 'chrome') return decodeFile(file);
      const { path, bytes } = server.expectResult();
      const size = await worker.call('decode', server.addBlob(file), path);
      return { ...size, data: await bytes };
    },
    async close() {
      await host.close();
      await server.close();
    },
  };
  return worker;
}

async function openChrome(
  choice: AdapterChoice,
  server: PageServer,
  flags?: readonly string[],
): Promise<WorkerHost & Pick<OpenWorker, 'page'>> {
  const executable = requireChrome();
  const { page, adapter, version, close } = await openPage(executable, server.url + WORKER_PAGE, choice, flags);
  const ended = orEnded(executable);
  return {
    adapter,
    runtime: version,
    call: (...request) => page.evaluate((request) => globalThis.exact8Worker(...request), request).catch(ended),
    close,
    page: { page, ended },
  };
}

async function openInFirefox(choice: AdapterChoice, server: PageServer): Promise<WorkerHost> {
  const puppeteer = await loadPuppeteer();
  const { page, adapter, version, ended, close } = await openFirefox(puppeteer, server.url + WORKER_PAGE, choice);
  return {
    adapter,
    runtime: version,
    async call(...request) {
      const text = JSON.stringify(request);
      const reply = page.evaluate(
        async (text) =>
          JSON.stringify(await globalThis.exact8Worker(...(JSON.parse(text) as Parameters<typeof exact8Worker>))),
        text,
      );
      return JSON.parse(await reply.catch(ended)) as WorkerReply;
    },
    close,
  };
}

/** An error of the worker, in its own class. */
function revive({ name, message }: { name: string; message: string }): Error {
  const known = ERRORS.find((type) => new type().name === name);
  return known ? new known(message) : new Exact8Error(`${name}: ${message}`);
}
