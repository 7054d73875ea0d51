import { InvalidInputError } from '../../../src/errors.ts';
import { decodePicture } from '../../images/decode.ts';
import { PEERS } from '../peers/index.ts';
import type { LoadedPeer, PeerInput, PeerModel } from '../peers/peer.ts';
import type { BenchMethods, Job } from '../protocol.ts';
import { callsOf } from './gpu_calls.ts';
import { measureLayers } from './layers.ts';
import { measureRoof } from './roof.ts';

const opened = new Map<string, LoadedPeer>();

function peer(id: string): LoadedPeer {
  const found = opened.get(id);
  if (!found) throw new InvalidInputError(`no engine is open as '${id}'`);
  return found;
}

export const benchMethods: BenchMethods = {
  async decode(file, result) {
    const { width, height, data } = await decodePicture(new Blob([await fetchBytes(file)]));
    await fetch(result, { method: 'POST', body: data as Uint8Array<ArrayBuffer> });
    return { width, height };
  },
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
  async close(id) {
    await peer(id).release();
    opened.delete(id);
  },
  roof: measureRoof,
  async layers(model, semantics, batch, budgetMs) {
    return measureLayers(await fetchBytes(model), semantics, batch, budgetMs);
  },
};

async function fetchBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function fetchInput({ path, dims }: Job['input']): Promise<PeerInput> {
  const nchw = new Float32Array((await fetchBytes(path)).buffer);
  const [n, c, h, w] = dims as [number, number, number, number];
  const nhwc = new Float32Array(nchw.length);
  for (let image = 0; image < n; image++)
    for (let channel = 0; channel < c; channel++)
      for (let p = 0; p < h * w; p++)
        nhwc[(image * h * w + p) * c + channel] = nchw[(image * c + channel) * h * w + p]!;
  return { dims, nchw, nhwc };
}
