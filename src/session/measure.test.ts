import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { smallQOperatorModel } from '../../tests/helpers/small_onnx.ts';
import { readModel } from '../formats/index.ts';
import type { Executable } from '../gpu/executable.ts';
import { createPlan, type Plan } from '../plan/plan.ts';
import { DEFAULT_PROFILES, type Profile } from '../plan/profile.ts';
import { Tensor } from '../tensor.ts';
import { fastestProfile } from './measure.ts';

const graph = readModel(smallQOperatorModel());
const planOf = (profile: Profile): Plan => createPlan(graph, { profile });
const feeds = { x: new Tensor(new Float32Array(192), [1, 3, 8, 8]) };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Measures plans on a device that takes so long for one of a fusion. */
function measure(msOf: (plan: Plan, run: number) => number, signal?: AbortSignal) {
  const alive = new Set<unknown>();
  const progress: unknown[] = [];
  let compiled = 0;
  const compile = async (plan: Plan): Promise<Executable> => {
    let runs = 0;
    compiled++;
    const executable = {
      plan,
      run: async () => void vi.setSystemTime(Date.now() + msOf(plan, runs++)),
      release: () => void alive.delete(executable),
    };
    alive.add(executable);
    return executable as unknown as Executable;
  };
  const profile = DEFAULT_PROFILES.software;
  const fastest = fastestProfile(
    { profile, fusion: 'none' },
    async (one) => planOf(one),
    compile,
    () => feeds,
    {
      signal,
      onProgress: (one) => progress.push(one),
    },
  );
  return { fastest, alive, progress, compiled: () => compiled };
}

it('the fastest plan wins, each is compiled once and released, and progress is told', async () => {
  const { fastest, alive, progress, compiled } = measure(({ fusion }) => ({ none: 9, layers: 4, blocks: 7 })[fusion]);
  expect(await fastest).toMatchObject({ name: 'measured, fusion layers', fusion: 'layers' });
  expect(alive.size).toBe(0);
  const different = new Set(
    ['none', 'layers', 'blocks'].map((fusion) =>
      JSON.stringify(planOf({ ...DEFAULT_PROFILES.software, fusion } as Profile).steps),
    ),
  );
  expect(compiled()).toBeGreaterThanOrEqual(different.size);
  expect(progress).toEqual([1, 2, 3, 4].map((done) => ({ stage: 'measure', done, total: 4 })));
});

it('what is faster by noise alone changes nothing, nor does a slow first inference', async () => {
  const { fastest } = measure(({ fusion }, run) => (run === 0 ? 500 : fusion === 'none' ? 100 : 96));
  expect(await fastest).toEqual({ ...DEFAULT_PROFILES.software, fusion: 'none' });
  const one = measure(({ fusion }) => (fusion === 'layers' ? 94 : 100));
  expect(await one.fastest).toMatchObject({ fusion: 'layers' });
});

it('it takes two seconds where inferences are short', async () => {
  const begin = Date.now();
  await measure(() => 3).fastest;
  expect(Date.now() - begin).toBeLessThan(2600);
});

it('a signal ends it with its reason, and nothing is left', async () => {
  const abort = new AbortController();
  const reason = new Error('enough');
  const { fastest, alive } = measure(({ fusion }) => {
    if (fusion === 'layers') abort.abort(reason);
    return 5;
  }, abort.signal);
  await expect(fastest).rejects.toBe(reason);
  expect(alive.size).toBe(0);
});
