import { readModel } from '../../src/formats/index.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { Tensor } from '../../src/tensor.ts';
import calibration from '../../models/calibration.json' with { type: 'json' };
import { defaultNetwork } from '../../models/index.ts';
import { writeInt8Model, type Ranges } from '../../models/int8_model.ts';
import { INPUT, type Network } from '../../models/network.ts';
import { mobilenetV2 } from '../../models/networks/mobilenet_v2.ts';
import { measureRanges } from '../../models/networks/quantize.ts';
import { Random } from '../../models/random.ts';
import type { BenchBrowser } from './browser.ts';
import type { Job } from './protocol.ts';
import { summarize } from './statistics.ts';
import { judgeSeries, type SweepPoint, type SweepSeries } from './sweep.ts';

const SIZES = [96, 128, 160, 192, 224, 288, 352, 448];
const WIDTHS = [0.35, 0.5, 0.75, 1, 1.4];
const BATCHES = [1, 2, 4, 8, 16, 32];
const SIZE = 224;
/** Rounds that are taken even where the time is up. */
const LEAST_ROUNDS = 2;

export interface SweepEffort {
  readonly iterations: number;
  /** For the rounds of each series. */
  readonly timeLimitMs: number;
  readonly progress: (what: string) => void;
}

/** A point that has not been measured yet. */
interface Planned {
  readonly label: string;
  readonly model: Uint8Array;
  readonly size: number;
  readonly batch: number;
  readonly macs: number;
  /** Compared with the host reference: once for each model. */
  readonly check: boolean;
}

/**
 * The default model with pictures of all sizes, MobileNetV2 of several widths, and batches: time a multiply-add as the
 * work grows, and whether each is exact.
 */
export async function runSweep(browser: BenchBrowser, effort: SweepEffort): Promise<SweepSeries[]> {
  const series: [string, () => Promise<Planned[]>][] = [
    ['picture size', sizes],
    ['width', widths],
    ['batch', batches],
  ];
  const results: SweepSeries[] = [];
  for (const [name, plan] of series) {
    effort.progress(`${name}: building models`);
    const points = (await plan()).sort((a, b) => a.macs - b.macs);
    results.push({ name, points: judgeSeries(await measure(browser, name, points, effort)) });
  }
  return results;
}

async function sizes(): Promise<Planned[]> {
  const network = await defaultNetwork();
  return SIZES.map((size) => {
    const model = trained({ ...network, input: { ...network.input, size } });
    return planned(`${size} × ${size}`, model, size, 1, true);
  });
}

async function widths(): Promise<Planned[]> {
  const points: Planned[] = [];
  for (const width of WIDTHS)
    points.push(planned(`width ${width}`, await seeded(mobilenetV2(width, SIZE)), SIZE, 1, true));
  return points;
}

async function batches(): Promise<Planned[]> {
  const model = trained(await defaultNetwork());
  return BATCHES.map((batch) => planned(`batch ${batch}`, model, SIZE, batch, false));
}

/** The default model's own ranges hold for every size. */
const trained = (network: Network): Uint8Array =>
  writeInt8Model(network, calibration.ranges as unknown as Ranges, 'the default model at another size');

async function seeded(network: Network): Promise<Uint8Array> {
  const { size } = network.input;
  return writeInt8Model(network, await measureRanges(network, [picture(size, 1).data as Float32Array]), network.name);
}

function planned(label: string, model: Uint8Array, size: number, batch: number, check: boolean): Planned {
  const plan = createPlan(readModel(model), { shapes: { [INPUT]: [batch, 3, size, size] } });
  return { label, model, size, batch, macs: plan.steps.reduce((sum, { macs }) => sum + macs, 0), check };
}

/** Pixels from a seed, the same in every image of a batch. */
function picture(size: number, batch: number): Tensor {
  const random = new Random(1);
  const image = Float32Array.from({ length: 3 * size * size }, () => random.unit());
  const data = new Float32Array(batch * image.length);
  for (let i = 0; i < batch; i++) data.set(image, i * image.length);
  return new Tensor('float32', data, [batch, 3, size, size]);
}

async function measure(
  browser: BenchBrowser,
  name: string,
  points: readonly Planned[],
  { iterations, timeLimitMs, progress }: SweepEffort,
): Promise<SweepPoint[]> {
  const exact: boolean[] = [];
  for (const { label, model, size, batch, check } of points) {
    progress(`${name}: ${label}, against the host reference`);
    const job: Job = {
      engine: 'exact8',
      model: { model: browser.addBlob(model) },
      input: browser.addTensor(picture(size, batch)),
    };
    const { logits } = await browser.call('open', label, job);
    const classes = logits.length / batch;
    const wrong = check
      ? await browser.call('compare', job)
      : logits.filter((logit, i) => logit !== logits[i % classes]).length;
    exact.push(wrong === 0);
  }
  const times = points.map(() => [] as number[]);
  const deadline = performance.now() + timeLimitMs;
  for (let round = 0; round < iterations; round++) {
    if (round >= LEAST_ROUNDS && performance.now() > deadline) break;
    progress(`${name}: round ${round + 1} of ${iterations}`);
    for (const [i, { label }] of points.entries()) times[i]!.push(...(await browser.call('time', label, 1)));
  }
  for (const { label } of points) await browser.call('close', label);
  return points.map(({ label, macs }, i) => ({ label, macs, ms: summarize(times[i]!), exact: exact[i]! }));
}
