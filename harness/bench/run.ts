import { floatModels } from './float_models.ts';
import { isWebgpu } from './engines.ts';
import { DeviceError } from '../../src/errors.ts';
import { openBench, type BenchBrowser } from './browser.ts';
import type { AdapterChoice } from '../chrome/launch.ts';
import type { Network } from '../../models/network.ts';
import { peerPackages } from './packages.ts';
import type { FirstResult, Job } from './protocol.ts';
import type { EngineResult } from './result.ts';
import { summarize } from './statistics.ts';

/** What is measured: a model, its float original for the peers, a picture. */
export interface Contest {
  readonly model: Uint8Array;
  readonly network: Network;
  /** [1, 3, height, width] */
  readonly dims: readonly number[];
  readonly pixels: Float32Array;
  readonly peers: readonly string[];
}

export interface Effort {
  readonly adapter: AdapterChoice;
  readonly iterations: number;
  /** For the warm rounds of all engines. */
  readonly timeLimitMs: number;
  readonly progress: (what: string) => void;
}

const OWN = 'exact8';
/** Rounds that are taken even where the time is up. */
const LEAST_ROUNDS = 3;

type Files = (browser: BenchBrowser, engine: string) => Job;

/** Makes each engine's files available to a page. */
function filesOf({ model, network, dims, pixels }: Contest): Files {
  const [, , height, width] = dims as [number, number, number, number];
  const floats = floatModels(network, height, width);
  return (browser, engine) => {
    const files = engine === OWN ? { model } : floats[engine.startsWith('tfjs') ? 'tfjs' : 'onnx'];
    const entries = Object.entries(files).map(([name, bytes]) => [name, browser.addBlob(bytes)]);
    const path = browser.addBlob(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength));
    return { engine, model: Object.fromEntries(entries), input: { path, dims } };
  };
}

/** A first result in a fresh browser, then in the same browser's next page. */
async function firstResults(engine: string, files: Files, peers: readonly string[], { adapter }: Effort) {
  const browser = await openBench(adapter, peerPackages(peers));
  try {
    const cold = await browser.call('open', engine, files(browser, engine));
    await browser.reload();
    const warm = await browser.call('open', engine, files(browser, engine));
    return { cold, warm };
  } finally {
    await browser.close();
  }
}

/**
 * Measures exact8 and its peers: first results each in a browser of its own, then everything warm in one page on one
 * adapter, the engines taking turns.
 *
 * @throws DeviceError where a peer that is to run on WebGPU does not
 */
export async function runContest(contest: Contest, effort: Effort, browser: BenchBrowser): Promise<EngineResult[]> {
  const engines = [OWN, ...contest.peers];
  const files = filesOf(contest);
  const first: Record<string, { cold: FirstResult; warm: FirstResult }> = {};
  for (const engine of engines) {
    effort.progress(`first result of ${engine}`);
    first[engine] = await firstResults(engine, files, contest.peers, effort);
  }
  const checked: Record<string, { calls: EngineResult['perInference']; opened: FirstResult; classIndex: number }> = {};
  const layers = contest.network.layers.filter((layer) => 'weight' in layer).length;
  for (const engine of engines) {
    effort.progress(`loading ${engine}`);
    const opened = await browser.call('open', engine, files(browser, engine));
    const { logits, calls } = await browser.call('inspect', engine);
    if (isWebgpu(engine) ? calls.dispatches < layers / 4 : calls.dispatches > 0)
      throw new DeviceError(
        `${engine} made ${calls.dispatches} GPU dispatches for a network of ${layers} weighted layers: it does not run where its name says`,
      );
    checked[engine] = { calls, opened, classIndex: largest(logits) };
  }
  const times = await takeTurns(browser, engines, effort);
  const results: EngineResult[] = [];
  for (const engine of engines) {
    effort.progress(`images a second of ${engine}`);
    const latencyMs = summarize(times[engine]!);
    const images = Math.max(2, Math.min(16, Math.round(5000 / latencyMs.median)));
    const pipelined = (1000 * images) / (await browser.call('stream', engine, images));
    const { cold, warm } = first[engine]!;
    const { calls, opened, classIndex } = checked[engine]!;
    const { dispatches, submits, buffers, bindGroups } = calls;
    results.push({
      name: engine,
      latencyMs,
      firstResultMs: cold.firstResultMs,
      firstResultWarmMs: warm.firstResultMs,
      startMs: cold.startMs,
      imagesPerSecond: { sequential: 1000 / latencyMs.median, pipelined },
      perInference: { dispatches, submits, buffers, bindGroups },
      gpuBytes: { live: opened.calls.liveBytes, peak: opened.calls.peakBytes },
      classIndex,
    });
  }
  for (const engine of engines) await browser.call('close', engine);
  return results;
}

/** One inference each, again and again: what disturbs the machine disturbs all alike. The first round is not counted. */
async function takeTurns(
  browser: BenchBrowser,
  engines: readonly string[],
  { iterations, timeLimitMs, progress }: Effort,
): Promise<Record<string, number[]>> {
  const times = Object.fromEntries(engines.map((engine) => [engine, [] as number[]]));
  for (const engine of engines) await browser.call('time', engine, 1);
  const deadline = performance.now() + timeLimitMs;
  for (let round = 0; round < iterations; round++) {
    if (round >= LEAST_ROUNDS && performance.now() > deadline) break;
    progress(`round ${round + 1} of ${iterations}`);
    for (const engine of engines) times[engine]!.push(...(await browser.call('time', engine, 1)));
  }
  return times;
}

export function largest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
}
