import { InvalidInputError } from '../../../src/errors.ts';
import type { ElementData } from '../../../src/graph/graph.ts';
import { referenceTrace } from '../../../src/plan/reference.ts';
import { requestDevice } from '../../../src/gpu/device.ts';
import { InferenceSession } from '../../../src/session.ts';
import { PEERS } from '../peers/index.ts';
import type { LoadedPeer, PeerInput, PeerModel } from '../peers/peer.ts';
import type { BenchMethods, Job } from '../protocol.ts';
import { runCases } from '../../cases/run.ts';
import { fetchBytes, fetchTensor } from '../../worker/exchange.ts';
import { Tuning } from '../../tune/measure.ts';
import { callsOf, watchGpu } from './gpu_calls.ts';
import { measureLayers } from './layers.ts';
import { measureRoof } from './roof.ts';

watchGpu();

const opened = new Map<string, LoadedPeer>();

function peer(id: string): LoadedPeer {
  const found = opened.get(id);
  if (!found) throw new InvalidInputError(`no engine is open as '${id}'`);
  return found;
}

let tuning: Tuning | undefined;

function tuned(): Tuning {
  if (!tuning) throw new InvalidInputError('no model is open for tuning');
  return tuning;
}

export const benchMethods: BenchMethods = {
  async open(id, { engine, model, input }) {
    const files = Object.entries(model).map(async ([name, path]) => [name, await fetchBytes(path)] as const);
    const bytes: PeerModel = Object.fromEntries(await Promise.all(files));
    const pixels = await fetchInput(input);
    const peer = await PEERS[engine]!();
    const begin = performance.now();
    await peer.start();
    const started = performance.now();
    let logits = new Float32Array(0);
    const calls = await callsOf(async () => {
      const loaded = await peer.load(bytes, pixels);
      opened.set(id, loaded);
      logits = Float32Array.from(await loaded.run());
    });
    const firstResultMs = performance.now() - started;
    return { startMs: started - begin, firstResultMs, logits: [...logits], calls };
  },
  async inspect(id) {
    let logits: readonly number[] = [];
    const calls = await callsOf(async () => (logits = [...(await peer(id).run())]));
    return { logits, calls };
  },
  async time(id, runs) {
    const engine = peer(id);
    const times: number[] = [];
    for (let i = 0; i < runs; i++) {
      const begin = performance.now();
      await engine.run();
      times.push(performance.now() - begin);
    }
    return times;
  },
  async stream(id, inferences) {
    const begin = performance.now();
    await peer(id).stream(inferences);
    return performance.now() - begin;
  },
  async count(id, runs) {
    return callsOf(async () => {
      for (let i = 0; i < runs; i++) await peer(id).run();
    });
  },
  async close(id) {
    await peer(id).release();
    opened.delete(id);
  },
  async compare({ model, input }) {
    const session = await InferenceSession.create(await fetchBytes(model['model']!));
    try {
      const feeds = { [session.inputNames[0]!]: await fetchTensor(input) };
      const { tensors } = await session.trace(feeds);
      const reference = new Map(referenceTrace(session.plan, feeds).tensors.map(({ name, data }) => [name, data]));
      // a run is the plan that is measured; a trace has every tensor
      const computed = [
        ...tensors,
        ...Object.entries(await session.run(feeds)).map(([name, { data }]) => ({ name, data })),
      ];
      return computed.reduce((sum, { name, data }) => sum + differences(data, reference.get(name)!), 0);
    } finally {
      session.release();
    }
  },
  roof: measureRoof,
  async cases(engine, seed, from, to) {
    const device = await requestDevice();
    try {
      return await runCases(engine, seed, from, to, device, { everyVariant: true });
    } finally {
      device.destroy();
    }
  },
  async layers(model, engine, batch, budgetMs) {
    return measureLayers(await fetchBytes(model), engine, batch, budgetMs);
  },
  async openTuning(model, engine, handicap) {
    tuning?.close();
    tuning = await Tuning.open(await fetchBytes(model), engine, handicap);
    const { tasks, blocks, profile } = tuning;
    return { tasks, blocks, profile };
  },
  tuneLayer: (...args) => tuned().layer(...args),
  tuneBlock: (...args) => tuned().block(...args),
  tuneFusions: (...args) => tuned().fusions(...args),
  compareProfiles: (...args) => tuned().compare(...args),
};

/** By bits. */
function differences(a: ElementData, b: ElementData): number {
  const [x, y] = [a, b].map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
  const bytes = a.BYTES_PER_ELEMENT;
  let count = 0;
  for (let i = 0; i < x!.length; i += bytes) {
    let same = true;
    for (let k = i; k < i + bytes; k++) same &&= x![k] === y![k];
    if (!same) count++;
  }
  return count;
}

async function fetchInput(input: Job['input']): Promise<PeerInput> {
  const nchw = await fetchTensor(input);
  const { dims, data } = nchw;
  const [n = 1, c = 1, h = 1, w = 1] = dims;
  const nhwc = new Float32Array(data.length);
  for (let image = 0; image < n; image++)
    for (let channel = 0; channel < c; channel++)
      for (let p = 0; p < h * w; p++)
        nhwc[(image * h * w + p) * c + channel] = Number(data[(image * c + channel) * h * w + p]);
  return { dims, nchw, nhwc };
}
