import type { RecordedResult } from '../cases/recorded_cases.ts';
import { describeAdapter } from '../chrome/launch.ts';
import { openWorker, type Host, type OpenWorker } from '../worker/open.ts';
import type { PlainTensor, Verification, VerifyRequest, WorkerMethods } from '../worker/protocol.ts';
import type { EngineChoice, RemoteFeeds } from '../worker/remote.ts';
import type { Feeds } from './feeds.ts';
import { remoteModel, type LoadedModel } from './model.ts';
import { note, progress } from './output.ts';

/** A WebGPU with a model open in it: in headless Chrome, or in a process without a browser. */
export interface ModelBrowser extends Pick<OpenWorker, 'runtime' | 'decode' | 'close'> {
  /** The WebGPU adapter, for people. */
  readonly adapter: string;
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
}

/** @throws NoBrowserError where there is no Chrome, no package that `webgpu` needs, or no adapter. */
export async function openBrowser(host: Host): Promise<ModelBrowser> {
  progress('starting WebGPU');
  const { call, addBlob, addTensor, expectResult, ...worker } = await openWorker(host);
  const adapter = describeAdapter(worker.adapter);
  note(`adapter: ${adapter}`);
  const remote = (feeds: Feeds): RemoteFeeds =>
    Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, addTensor(tensor)]));
  return {
    ...worker,
    adapter,
    open: (model) => call('open', remoteModel(addBlob(model.bytes), model), model.fusion),
    run: (feeds) => call('run', remote(feeds)),
    async trace(feeds, accumulators) {
      const { path, bytes } = expectResult();
      await call('trace', remote(feeds), accumulators, path);
      return bytes;
    },
    verify: (feeds, { against, ...request }) =>
      call('verify', remote(feeds), { ...request, against: against === 'onnxruntime' ? against : remote(against) }),
    generatedCases: (...wanted) => call('generatedCases', ...wanted),
    graphCases: (...wanted) => call('graphCases', ...wanted),
    recordedCases: (file, engine) => call('recordedCases', addBlob(file), engine),
  };
}

/** Opens a browser, or a process, with a model for as long as `use` runs. */
export async function withModel<T>(
  model: LoadedModel,
  host: Host,
  use: (browser: ModelBrowser) => Promise<T>,
): Promise<T> {
  const browser = await openBrowser(host);
  try {
    progress('loading the model');
    await browser.open(model);
    return await use(browser);
  } finally {
    await browser.close();
  }
}
