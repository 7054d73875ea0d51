import { fileURLToPath } from 'node:url';
import {
  DeviceError,
  Exact8Error,
  InvalidInputError,
  InvalidModelError,
  UnsupportedModelError,
} from '../../src/errors.ts';
import { requireChrome } from '../chrome/install.ts';
import { describeAdapter, openPage, orEnded, type AdapterChoice } from '../chrome/launch.ts';
import { servePage, type PageServer } from '../chrome/server.ts';
import { decodeFile } from '../images/decode_file.ts';
import type { RecordedResult } from '../cases/recorded_cases.ts';
import type { Picture } from '../images/picture.ts';
import { openProcess } from '../process/launch.ts';
import { PATIENCE_S, withPatience } from '../worker/patience.ts';
import type { PlainTensor, Verification, VerifyRequest, WorkerHost, WorkerMethods } from '../worker/protocol.ts';
import type { EngineChoice, RemoteFeeds } from '../worker/remote.ts';
import { tensorBytes, type Feeds } from './feeds.ts';
import type { LoadedModel } from './model.ts';
import type { HostOptions, WebGpuChoice } from './options.ts';
import { note, progress } from './output.ts';

/** A WebGPU with a model open in it: in headless Chrome, or in a process without a browser. */
export interface ModelBrowser {
  /** The WebGPU adapter, for people. */
  readonly adapter: string;
  /** Whose WebGPU it is, with its version, for people. */
  readonly runtime: string;
  decode(file: Uint8Array): Promise<Picture>;
  open(model: LoadedModel): Promise<void>;
  run(feeds: Feeds): Promise<Record<string, PlainTensor>>;
  /** The bytes of an .npz file. */
  trace(feeds: Feeds, accumulators: boolean): Promise<Uint8Array>;
  verify(
    feeds: Feeds,
    request: Omit<VerifyRequest, 'against'> & { against: 'onnxruntime' | Feeds },
  ): Promise<Verification>;
  generatedCases: WorkerMethods['generatedCases'];
  graphCases: WorkerMethods['graphCases'];
  recordedCases(file: Uint8Array, engine: EngineChoice): Promise<RecordedResult>;
  close(): Promise<void>;
}

/** The built pages: dist/lab, beside dist/cli, where this code runs from. */
const PAGES = fileURLToPath(new URL('../lab/', import.meta.url));
const WORKER_PAGE = '/harness/worker/index.html';

const ERRORS = [DeviceError, InvalidInputError, InvalidModelError, UnsupportedModelError];

async function openChrome(choice: AdapterChoice, server: PageServer): Promise<WorkerHost> {
  const executable = requireChrome();
  progress(`starting ${executable}`);
  const { page, adapter, version, close } = await openPage(executable, server.url + WORKER_PAGE, choice);
  return {
    adapter,
    runtime: version,
    call: (...request) =>
      page.evaluate((request) => globalThis.exact8Worker(...request), request).catch(orEnded(executable)),
    close,
  };
}

/**
 * @param timeout seconds without progress after which calls give up
 * @throws NoBrowserError where there is no Chrome, no package that `webgpu` needs, or no adapter.
 */
export async function openBrowser(
  adapterChoice: AdapterChoice,
  webgpu: WebGpuChoice = 'chrome',
  timeout: number = PATIENCE_S,
): Promise<ModelBrowser> {
  const server = await servePage(PAGES);
  const opening = webgpu === 'chrome' ? openChrome(adapterChoice, server) : openProcess(webgpu, adapterChoice, server);
  const host = await opening.catch(async (error) => {
    await server.close();
    throw error;
  });
  const { adapter, close } = host;
  const callHost = withPatience(host, timeout);
  note(`adapter: ${describeAdapter(adapter)}`);

  async function call<M extends keyof WorkerMethods>(
    method: M,
    ...args: Parameters<WorkerMethods[M]>
  ): Promise<Awaited<ReturnType<WorkerMethods[M]>>> {
    const reply = await callHost(method, args as unknown[]);
    if ('error' in reply) throw revive(reply.error);
    return reply.value as Awaited<ReturnType<WorkerMethods[M]>>;
  }

  function remote(feeds: Feeds): RemoteFeeds {
    const entries = Object.entries(feeds).map(([name, tensor]) => {
      const { type, dims } = tensor;
      return [name, { type, dims, path: server.addBlob(tensorBytes(tensor)) }] as const;
    });
    return Object.fromEntries(entries);
  }

  return {
    adapter: describeAdapter(adapter),
    runtime: host.runtime,
    async decode(file) {
      if (webgpu !== 'chrome') return decodeFile(file);
      const { path, bytes } = server.expectResult();
      const size = await call('decode', server.addBlob(file), path);
      return { ...size, data: await bytes };
    },
    open: (model) => call('open', server.addBlob(model.bytes), model.engine, model.fusion),
    run: (feeds) => call('run', remote(feeds)),
    async trace(feeds, accumulators) {
      const { path, bytes } = server.expectResult();
      await call('trace', remote(feeds), accumulators, path);
      return bytes;
    },
    verify: (feeds, { against, ...request }) =>
      call('verify', remote(feeds), {
        ...request,
        against: against === 'onnxruntime' ? against : remote(against),
      }),
    generatedCases: (...wanted) => call('generatedCases', ...wanted),
    graphCases: (...wanted) => call('graphCases', ...wanted),
    recordedCases: (file, engine) => call('recordedCases', server.addBlob(file), engine),
    async close() {
      await close();
      await server.close();
    },
  };
}

/** An error of the worker, in its own class. */
function revive({ name, message }: { name: string; message: string }): Error {
  const known = ERRORS.find((type) => new type().name === name);
  return known ? new known(message) : new Exact8Error(`${name}: ${message}`);
}

/** Opens a browser, or a process, with a model for as long as `use` runs. */
export async function withModel<T>(
  model: LoadedModel,
  { adapter, webgpu, timeout }: Pick<HostOptions, 'adapter'> & Partial<HostOptions>,
  use: (browser: ModelBrowser) => Promise<T>,
): Promise<T> {
  const browser = await openBrowser(adapter, webgpu, timeout);
  try {
    progress('loading the model');
    await browser.open(model);
    return await use(browser);
  } finally {
    await browser.close();
  }
}
