import { InvalidInputError } from '../../../src/errors.ts';
import { PEERS } from '../peers/index.ts';
import type { LoadedPeer, PeerInput, PeerModel } from '../peers/peer.ts';
import type { BenchMethods, Job } from '../protocol.ts';
import { fetchBytes, fetchTensor } from '../../worker/exchange.ts';
import { transposed } from '../../numpy/transposed.ts';
import { Tuning } from '../../tune/measure.ts';
import { callsOf, watchGpu } from './gpu_calls.ts';
import { measureLayers } from './time_layers.ts';
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
  roof: measureRoof,
  async layers({ path, ...opened }, budgetMs) {
    return measureLayers(await fetchBytes(path), opened, budgetMs);
  },
  async openTuning({ path, ...opened }, handicap) {
    tuning?.close();
    tuning = await Tuning.open(await fetchBytes(path), opened, handicap);
    const { tasks, blocks, profile } = tuning;
    return { tasks, blocks, profile };
  },
  tuneLayer: (...args) => tuned().layer(...args),
  tuneBlock: (...args) => tuned().block(...args),
  tuneFusions: (...args) => tuned().fusions(...args),
  compareProfiles: (...args) => tuned().compare(...args),
};

async function fetchInput(input: Job['input']): Promise<PeerInput> {
  const nchw = await fetchTensor(input);
  const [, c = 1, h = 1, w = 1] = nchw.dims;
  return { dims: nchw.dims, nchw, nhwc: Float32Array.from(transposed(nchw.data, c, h * w) as Float32Array) };
}
