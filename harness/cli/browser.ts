import { fileURLToPath } from 'node:url';
import {
  DeviceError,
  Exact8Error,
  InvalidInputError,
  InvalidModelError,
  UnsupportedModelError,
} from '../../src/errors.ts';
import { requireChrome } from '../chrome/install.ts';
import { describeAdapter, openPage, type AdapterChoice } from '../chrome/launch.ts';
import { servePage } from '../chrome/server.ts';
import type { Picture } from '../images/picture.ts';
import type {
  Engine,
  PlainTensor,
  RemoteFeeds,
  Verification,
  VerifyRequest,
  WorkerMethods,
} from '../worker/protocol.ts';
import { tensorBytes, type Feeds } from './feeds.ts';
import type { LoadedModel } from './model.ts';
import type { InferenceOptions } from './options.ts';
import { note, progress } from './output.ts';

/** A headless Chrome with a model open in it. */
export interface ModelBrowser {
  /** The WebGPU adapter, for people. */
  readonly adapter: string;
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
  recordedCases(file: Uint8Array, engine: Engine): Promise<number>;
  close(): Promise<void>;
}

/** The built pages: dist/lab, beside dist/cli, where this code runs from. */
const PAGES = fileURLToPath(new URL('../lab/', import.meta.url));
const WORKER_PAGE = '/harness/worker/index.html';

const ERRORS = [DeviceError, InvalidInputError, InvalidModelError, UnsupportedModelError];

/** @throws NoBrowserError where there is no Chrome or no adapter. */
export async function openBrowser(adapterChoice: AdapterChoice): Promise<ModelBrowser> {
  const executable = requireChrome();
  progress(`starting ${executable}`);
  const server = await servePage(PAGES);
  const { page, adapter, close } = await openPage(executable, server.origin + WORKER_PAGE, adapterChoice).catch(
    async (error) => {
      await server.close();
      throw error;
    },
  );
  note(`adapter: ${describeAdapter(adapter)}`);

  async function call<M extends keyof WorkerMethods>(
    method: M,
    ...args: Parameters<WorkerMethods[M]>
  ): Promise<Awaited<ReturnType<WorkerMethods[M]>>> {
    const reply = await page.evaluate(([method, args]) => globalThis.exact8Worker(method, args), [
      method,
      args as unknown[],
    ] as const);
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
    async decode(file) {
      const { path, bytes } = server.expectResult();
      const size = await call('decode', server.addBlob(file), path);
      return { ...size, data: await bytes };
    },
    open: (model) => call('open', server.addBlob(model.bytes), model.engine),
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
    recordedCases: (file, engine) => call('recordedCases', server.addBlob(file), engine),
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

/** Opens a browser with a model for as long as `use` runs. */
export async function withModel<T>(
  model: LoadedModel,
  { adapter }: Pick<InferenceOptions, 'adapter'>,
  use: (browser: ModelBrowser) => Promise<T>,
): Promise<T> {
  const browser = await openBrowser(adapter);
  try {
    progress('loading the model');
    await browser.open(model);
    return await use(browser);
  } finally {
    await browser.close();
  }
}
