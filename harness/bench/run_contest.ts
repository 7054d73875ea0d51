import { floatModels } from './float_models.ts';
import { isInt8, isOwn, isWebgpu, OWN } from './runtimes.ts';
import { DeviceError, Exact8Error } from '../../src/errors.ts';
import type { Host } from '../worker/open.ts';
import { openBench, type BenchBrowser } from './browser.ts';
import type { Network } from '../../models/network.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { GpuCalls } from './measure/gpu_calls.ts';
import { peerPackages } from './packages.ts';
import type { FirstResult, Job } from './protocol.ts';
import type { EngineResult } from './result.ts';
import { summarize } from './statistics.ts';
import type { Shapes } from '../worker/remote.ts';

/** What is measured: a model, a picture, and the model's float original where there are peers. */
interface Contest {
  readonly model: Uint8Array;
  readonly network?: Network;
  /** Of inputs that the model leaves open. */
  readonly shapes: Shapes;
  /** [1, 3, height, width] */
  readonly input: Tensor;
  readonly peers: readonly string[];
  /** Plans of exact8 besides its own choice: session options by the plan's name. */
  readonly plans?: Readonly<Record<string, object>>;
}

interface Effort {
  readonly host: Host;
  readonly iterations: number;
  /** For the warm rounds of all engines. */
  readonly timeLimitMs: number;
  readonly progress: (what: string) => void;
}

/** Of any network that is worth measuring, however much of it is fused. */
const LEAST_DISPATCHES = 10;
/** Rounds that are taken even where the time is up. */
const LEAST_ROUNDS = 3;

type Files = (browser: BenchBrowser, engine: string) => Job;

/** As the peer `exact8` reads them. */
export const sessionOptions = (options: object): Uint8Array => new TextEncoder().encode(JSON.stringify(options));

/** Makes each engine's files available to a page. */
function filesOf({ model, shapes, network, input, plans = {} }: Contest): Files {
  const [, , height, width] = input.dims as [number, number, number, number];
  const floats = network && floatModels(network, height, width);
  return (browser, engine) => {
    const own = { model, options: sessionOptions({ shapes, ...plans[engine] }) };
    const files = isOwn(engine)
      ? own
      : isInt8(engine)
        ? { model }
        : floats![engine.startsWith('tfjs') ? 'tfjs' : 'onnx'];
    const entries = Object.entries(files).map(([name, bytes]) => [name, browser.addBlob(bytes)]);
    return {
      engine: isOwn(engine) ? OWN : engine,
      model: Object.fromEntries(entries),
      input: browser.addTensor(input),
    };
  };
}

interface FirstResults {
  readonly cold: FirstResult;
  /** Where there is a page that can be opened again. */
  readonly warm?: FirstResult;
}

/** A first result in a fresh browser, then in the same browser's next page. */
async function firstResults(
  engine: string,
  files: Files,
  peers: readonly string[],
  { host }: Effort,
): Promise<FirstResults> {
  const browser = await openBench(host, peerPackages(peers));
  try {
    const cold = await browser.call('open', engine, files(browser, engine));
    if (!browser.page) return { cold };
    await browser.page.reload();
    return { cold, warm: await browser.call('open', engine, files(browser, engine)) };
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
  const plans = Object.keys(contest.plans ?? {});
  const engines = [OWN, ...plans, ...contest.peers];
  const files = filesOf(contest);
  const first: Record<string, FirstResults> = {};
  for (const engine of engines) {
    effort.progress(`first result of ${engine}`);
    first[engine] = await firstResults(engine, files, contest.peers, effort);
  }
  const checked: Record<string, Checked> = {};
  for (const engine of engines) {
    effort.progress(`loading ${engine}`);
    const opened = await browser.call('open', engine, files(browser, engine));
    const { logits, calls } = await browser.call('inspect', engine);
    if (isWebgpu(engine) ? calls.dispatches < LEAST_DISPATCHES : calls.dispatches > 0)
      throw new DeviceError(`${engine} made ${calls.dispatches} GPU dispatches: it does not run where its name says`);
    checked[engine] = { calls, opened, logits };
  }
  expectSameBits(plans, checked);
  expectAgreement(
    contest.peers.filter((peer) => !isInt8(peer)),
    checked,
  );
  const times = await takeTurns(browser, engines, effort);
  const results: EngineResult[] = [];
  for (const engine of engines) {
    effort.progress(`images a second of ${engine}`);
    const latencyMs = summarize(times[engine]!);
    const images = Math.max(2, Math.min(16, Math.round(5000 / latencyMs.median)));
    const pipelined = (1000 * images) / (await browser.call('stream', engine, images));
    const { cold, warm } = first[engine]!;
    const { calls, opened, logits } = checked[engine]!;
    const { dispatches, submits, buffers, bindGroups } = calls;
    results.push({
      name: engine,
      latencyMs,
      firstResultMs: cold.firstResultMs,
      ...(warm && { firstResultWarmMs: warm.firstResultMs }),
      startMs: cold.startMs,
      imagesPerSecond: { sequential: 1000 / latencyMs.median, pipelined },
      perInference: { dispatches, submits, buffers, bindGroups },
      gpuBytes: { live: opened.calls.liveBytes, peak: opened.calls.peakBytes },
      classIndex: largest(logits),
    });
  }
  for (const engine of engines) await browser.call('close', engine);
  return results;
}

interface Checked {
  readonly opened: FirstResult;
  readonly logits: readonly number[];
  readonly calls: GpuCalls;
}

/** @throws Exact8Error where a plan of exact8 gives other bits than its own choice: that would be a fault of exact8 */
function expectSameBits(plans: readonly string[], checked: Readonly<Record<string, Checked>>): void {
  const { logits: own } = checked[OWN]!;
  for (const plan of plans)
    if (!checked[plan]!.logits.every((logit, i) => Object.is(logit, own[i])))
      throw new Exact8Error(`${plan} gives other bits than ${OWN}`);
}

/** All of them compute the same float network, each in its own order of sums. */
const LARGEST_DIFFERENCE = 0.01;

function expectAgreement(peers: readonly string[], checked: Readonly<Record<string, Checked>>): void {
  const [first, ...rest] = peers;
  for (const peer of rest) {
    const [a, b] = [checked[first!]!.logits, checked[peer]!.logits];
    const scale = Math.max(1, ...a.map(Math.abs));
    const difference = Math.max(Math.abs(a.length - b.length), ...a.map((value, i) => Math.abs(value - b[i]!) / scale));
    if (!(difference < LARGEST_DIFFERENCE))
      throw new DeviceError(
        `${first} and ${peer} run the same float network, but their logits differ by ${difference}`,
      );
  }
}

/** A turn lasts as long, or one inference where that takes longer. */
const TURN_MS = 400;

/**
 * Turns of about the same time, again and again: what disturbs the machine disturbs all alike, and engines of which one
 * inference is shorter than a disturbance have more of them. The first round, which tells how many, is not counted.
 */
async function takeTurns(
  browser: BenchBrowser,
  engines: readonly string[],
  { iterations, timeLimitMs, progress }: Effort,
): Promise<Record<string, number[]>> {
  const times = Object.fromEntries(engines.map((engine) => [engine, [] as number[]]));
  const turns: Record<string, number> = {};
  for (const engine of engines) {
    const [first] = await browser.call('time', engine, 1);
    turns[engine] = Math.max(1, Math.round(TURN_MS / first!));
  }
  const deadline = performance.now() + timeLimitMs;
  for (let round = 0; round < iterations; round++) {
    if (round >= LEAST_ROUNDS && performance.now() > deadline) break;
    progress(`round ${round + 1} of ${iterations}`);
    for (const engine of engines) times[engine]!.push(...(await browser.call('time', engine, turns[engine]!)));
  }
  return times;
}

export function largest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
}
