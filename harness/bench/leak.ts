import { InvalidInputError } from '../../src/errors.ts';
import type { BenchBrowser, Heap } from './browser.ts';
import type { GpuCalls } from './measure/gpu_calls.ts';
import type { Job } from './protocol.ts';
import { median } from './statistics.ts';

/** Calls that allocate on the GPU. */
const ALLOCATING = ['buffers', 'textures', 'bindGroups', 'pipelines', 'shaderModules', 'querySets'] as const;

/** What many warm inferences leave behind. */
export interface LeakResult {
  readonly inferences: number;
  /** GPU objects made by all inferences together. */
  readonly created: Readonly<Record<(typeof ALLOCATING)[number], number>>;
  /** By how many bytes the page's GPU buffers grew. */
  readonly gpuBytes: number;
  /** Each part: see HeapPart. */
  readonly heap: readonly HeapPart[];
  /** By how many bytes the heap grows: the median of the parts, divided by their inferences. */
  readonly heapBytesPerInference: number;
  readonly flat: boolean;
}

/** The heap after a forced garbage collection each: before, after the same calls without an inference, after the inferences. */
export interface HeapPart {
  readonly before: Heap;
  readonly idle: Heap;
  readonly after: Heap;
}

const PARTS = 20;
/** An object with one field takes 16 bytes: what keeps one an inference grows by more in every part. */
export const MOST_BYTES_PER_INFERENCE = 16;

/**
 * Runs `inferences` and half as many before, in which the compiler of JavaScript, which keeps what it makes on the
 * same heap, comes to rest. What it still does then is seen in a few of the parts, a leak in each: so the median. Asking
 * a page for anything leaves something, too: so every part begins with the same request for no inference, and what that
 * leaves is taken off.
 *
 * Flat is: not one GPU object made, not one byte of GPU memory more, and less heap an inference than an object takes.
 *
 * @throws InvalidInputError where no page is measured, but a process
 */
export async function measureLeak(
  browser: BenchBrowser,
  job: Job,
  inferences: number,
  progress: (what: string) => void,
): Promise<LeakResult> {
  if (!browser.page) throw new InvalidInputError('--leak needs a page whose heap can be collected: --webgpu chrome');
  const { heap: readHeap } = browser.page;
  progress('warming up');
  await browser.call('open', 'exact8', job);
  await browser.call('count', 'exact8', Math.ceil(inferences / 2));
  // the first collection itself leaves something
  await readHeap();
  const heap: HeapPart[] = [];
  const counts: GpuCalls[] = [];
  const each = Math.ceil(inferences / PARTS);
  for (let part = 1; part <= PARTS; part++) {
    progress(`inference ${part * each} of ${PARTS * each}`);
    const before = await readHeap();
    await browser.call('count', 'exact8', 0);
    const idle = await readHeap();
    counts.push(await browser.call('count', 'exact8', each));
    heap.push({ before, idle, after: await readHeap() });
  }
  return judgeLeak(each, heap, counts);
}

/** @param each inferences a part, whose heap is in `heap` and whose calls are in `counts` */
export function judgeLeak(each: number, heap: readonly HeapPart[], counts: readonly GpuCalls[]): LeakResult {
  const sum = (key: keyof GpuCalls): number => counts.reduce((total, calls) => total + calls[key], 0);
  const created = Object.fromEntries(ALLOCATING.map((key) => [key, sum(key)])) as LeakResult['created'];
  const gpuBytes = sum('liveBytes');
  const growth = heap.map(({ before, idle, after }) => heapBytes(after) - 2 * heapBytes(idle) + heapBytes(before));
  const heapBytesPerInference = median(growth) / each;
  const nothingMade = gpuBytes === 0 && Object.values(created).every((count) => count === 0);
  return {
    inferences: each * counts.length,
    created,
    gpuBytes,
    heap,
    heapBytesPerInference,
    flat: nothingMade && heapBytesPerInference <= MOST_BYTES_PER_INFERENCE,
  };
}

export function heapBytes({ used, embedder, arrays }: Heap): number {
  return used + embedder + arrays;
}
