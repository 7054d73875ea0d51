import { Tensor } from '../../src/tensor.ts';
import type { BenchBrowser } from './browser.ts';
import { summarize, type Summary } from './statistics.ts';

/** Several pictures in one inference. */
export interface BatchResult {
  readonly batch: number;
  readonly ms: Summary;
  readonly imagesPerSecond: number;
  /** Every picture's logits equal to those of the first. */
  readonly exact: boolean;
}

export interface BatchEffort {
  readonly iterations: number;
  /** For all sizes together. */
  readonly timeLimitMs: number;
  readonly progress: (what: string) => void;
}

/** The same picture `batch` times, for each of the sizes; one after the other, since the largest take much memory. */
export async function runBatches(
  browser: BenchBrowser,
  model: Uint8Array,
  input: Tensor,
  batches: readonly number[],
  { iterations, timeLimitMs, progress }: BatchEffort,
): Promise<BatchResult[]> {
  const results: BatchResult[] = [];
  const path = browser.addBlob(model);
  const begin = performance.now();
  for (const [i, batch] of batches.entries()) {
    progress(`batch ${batch}`);
    const id = `batch ${batch}`;
    const job = { engine: 'exact8', model: { model: path }, input: browser.addTensor(repeated(input, batch)) };
    const { logits } = await browser.call('open', id, job);
    const classes = logits.length / batch;
    const deadline = begin + (timeLimitMs * (i + 1)) / batches.length;
    const times = await browser.call('time', id, 1);
    while (times.length < iterations && performance.now() < deadline)
      times.push(...(await browser.call('time', id, 1)));
    await browser.call('close', id);
    const ms = summarize(times);
    const exact = logits.every((logit, at) => Object.is(logit, logits[at % classes]));
    results.push({ batch, ms, imagesPerSecond: (1000 * batch) / ms.median, exact });
  }
  return results;
}

export function repeated({ type, data, dims }: Tensor, batch: number): Tensor {
  const all = new (data.constructor as Float32ArrayConstructor)(batch * data.length);
  for (let i = 0; i < batch; i++) all.set(data as Float32Array, i * data.length);
  return new Tensor(type, all as never, [batch * dims[0]!, ...dims.slice(1)]);
}
