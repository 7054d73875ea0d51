/** What the exact8 command has done on a GPU, in headless Chrome's page or in a process: see WorkerMethods. */
import { InvalidInputError } from '../../src/errors.ts';
import { InferenceSession } from '../../src/session/session.ts';
import type { Tensor } from '../../src/tensor.ts';
import { requestDevice } from '../../src/gpu/device.ts';
import { findEngine } from '../../src/engines/index.ts';
import type { BenchMethods } from '../bench/protocol.ts';
import { runGraphs } from '../cases/graphs/run_graphs.ts';
import { recordedCases } from '../cases/recorded_cases.ts';
import { compareRecordedOnGpu, runCases } from '../cases/run_cases.ts';
import { compareLayers } from '../compare/compare_layers.ts';
import { layersOnGpu } from '../compare/gpu_layers.ts';
import { computedTensors, verify } from '../compare/verify.ts';
import { openNpz } from '../numpy/npz.ts';
import { decodePicture } from '../../src/pictures/decode.ts';
import { traceToNpz } from '../numpy/trace_npz.ts';
import { createOnnxruntimeWeb, runOnnxruntimeWeb, type Oracle } from '../oracles/onnxruntime_web.ts';
import { recordedOracle } from '../oracles/trace_oracle.ts';
import { fetchBytes, fetchFeeds, get, post } from './exchange.ts';
import { gpuProgress } from './progress.ts';
import type { Against, PlainTensor, WorkerMethods } from './protocol.ts';
import type { EngineChoice } from './remote.ts';

let model = new Uint8Array(0);
let session: InferenceSession | undefined;
let computed: EngineChoice | undefined;
let casesOn: GPUDevice | undefined;

const methods: WorkerMethods = {
  async decode(file, result) {
    const { width, height, data } = await decodePicture(await (await get(file)).blob());
    await post(result, data);
    return { width, height };
  },
  async open({ path, engine, shapes, outputs }, fusion) {
    session?.release();
    model = await fetchBytes(path);
    const options = {
      engine: findEngine(engine.name, engine.options),
      shapes,
      ...(outputs && { outputs }),
      ...(fusion && { fusion }),
    };
    session = await InferenceSession.create(model, options);
    computed = engine;
  },
  async run(feeds) {
    const outputs = await opened().run(await fetchFeeds(feeds));
    const plain = ({ dims, data }: Tensor): PlainTensor => ({
      dims,
      data: Array.from(data as ArrayLike<number | bigint>, Number),
    });
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, plain(tensor)]));
  },
  async trace(feeds, accumulators, result) {
    const trace = await opened().trace(await fetchFeeds(feeds), { accumulators });
    await post(
      result,
      traceToNpz(trace, { engine: computed!.name, threads: 1, ...computed!.options, computedBy: 'exact8' }),
    );
  },
  async verify(remoteFeeds, { runs, against, eachLayer }) {
    const oracle = await openOracle(against);
    try {
      const feeds = await fetchFeeds(remoteFeeds);
      const verification = await verify(opened(), oracle, feeds, runs);
      return eachLayer ? { ...verification, layers: await verifyLayers(oracle, feeds) } : verification;
    } finally {
      await oracle.release();
    }
  },
  async generatedCases(engine, seed, from, to, { against, ...others } = {}) {
    const oracle = against && runOnnxruntimeWeb;
    return runCases(engine, seed, from, to, await deviceOfCases(), { oracle, ...others });
  },
  graphCases: async (kind, seed, from, to, gpuEvery) =>
    runGraphs(seed, from, to, runOnnxruntimeWeb, { device: await deviceOfCases(), gpuEvery, kind }),
  async recordedCases(file, { name, options }) {
    const cases = recordedCases(openNpz(await fetchBytes(file)), name);
    return onDevice((device) => compareRecordedOnGpu(cases, device, findEngine(name, options)));
  },
  progress: async () => gpuProgress(),
  async bench(method, args) {
    return ((await bench())[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
  },
};

/** Loaded on its first use, so that nothing else takes its time and its code. */
async function bench(): Promise<BenchMethods> {
  return (await import('../bench/measure/methods.ts')).benchMethods;
}

globalThis.exact8Worker = async (method, args) => {
  gpuProgress();
  try {
    return { value: await (methods[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message } };
  }
};

async function openOracle(against: Against): Promise<Oracle> {
  if (against === 'onnxruntime') return createOnnxruntimeWeb(model, computedTensors(opened().plan.graph));
  return recordedOracle(await fetchFeeds(against));
}

async function verifyLayers(oracle: Oracle, feeds: Readonly<Record<string, Tensor>>) {
  const { plan } = opened();
  const known = Object.entries({ ...feeds, ...(await oracle.run(feeds)).tensors });
  const reference = new Map(known.map(([name, { data }]) => [name, data]));
  return onDevice((device) => compareLayers(plan.graph, reference, layersOnGpu(device, plan.engine)));
}

async function onDevice<T>(use: (device: GPUDevice) => Promise<T>): Promise<T> {
  const device = await requestDevice();
  try {
    return await use(device);
  } finally {
    device.destroy();
  }
}

/** Kept from call to call, so that cases share pipelines: compiling them takes most of the time. */
async function deviceOfCases(): Promise<GPUDevice> {
  return (casesOn ??= await requestDevice());
}

function opened(): InferenceSession {
  if (!session) throw new InvalidInputError('no model is open');
  return session;
}
