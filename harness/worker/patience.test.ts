import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withPatience } from './patience.ts';
import type { WorkerHost, WorkerReply } from './protocol.ts';
import { DeviceError } from '../../src/errors.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new Promise<WorkerReply>(() => undefined);

/** A worker that works on what it was asked for until `work` is done, and meanwhile says how far the GPU is. */
function call(work: Promise<WorkerReply>, progress: () => Promise<WorkerReply>, seconds = 10) {
  const host = { call: (method: string) => (method === 'progress' ? progress() : work) } as unknown as WorkerHost;
  const settled = vi.fn();
  const outcome = withPatience(host, seconds)('run', []).then(
    (reply) => settled(reply),
    (error: unknown) => settled(error),
  );
  return { settled, outcome };
}

it.each([
  ['answers that it has got no further', async () => ({ value: 7 })],
  ['is blocked, and answers nothing', () => never],
  ['has broken down', () => Promise.reject(new Error('closed'))],
] as const)('a worker that hangs and %s is given up', async (_, progress) => {
  const { settled } = call(never, progress);
  await vi.advanceTimersByTimeAsync(9_000);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(4_000);
  const [error] = settled.mock.calls[0] as [Error];
  expect(error).toBeInstanceOf(DeviceError);
  expect(error.message).toMatch(/nothing came back from the GPU for 10 s.*--timeout/);
  expect(vi.getTimerCount()).toBe(0);
});

it('a worker that is slow, and gets on, is waited for', async () => {
  let progress = 0;
  const work = new Promise<WorkerReply>((resolve) => setTimeout(resolve, 100_000, { value: 'done' }));
  const { settled } = call(work, async () => ({ value: Math.floor(progress++ / 5) }));
  await vi.advanceTimersByTimeAsync(99_000);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(settled).toHaveBeenCalledExactlyOnceWith({ value: 'done' });
  expect(vi.getTimerCount()).toBe(0);
});

it('an error of the worker is its own', async () => {
  const { settled, outcome } = call(Promise.reject(new DeviceError('the process ended')), () => never);
  await outcome;
  expect(settled).toHaveBeenCalledExactlyOnceWith(new DeviceError('the process ended'));
  expect(vi.getTimerCount()).toBe(0);
});

it('the longest time that the command takes is no short one', async () => {
  const { settled } = call(never, () => never, 2 ** 32 - 1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(settled).not.toHaveBeenCalled();
});
