import { describe, expect, it } from 'vitest';
import { defaultModel } from '../models/index.ts';
import { readModel } from '../src/formats/index.ts';
import { accumulatorKey, pipelineKey } from '../src/gpu/pipelines.ts';
import { capacities } from '../src/ops/capacity.ts';
import { DEFAULT_FEATURES } from '../src/ops/features.ts';
import { packedBytes } from '../src/ops/layout.ts';
import { boundBytes, tensorsRead, type Step } from '../src/ops/step.ts';
import { createPlan } from '../src/plan/plan.ts';
import { DEFAULT_PROFILES } from '../src/plan/profile.ts';

const bytes = (pixels: number, type: 'uint8' | 'float32' = 'uint8') => ({ name: 't', type, shape: [1, 4, 1, pixels] });

describe('lengths of declared arrays', () => {
  it('are two: the largest tensor, and the largest of at most half of it', () => {
    const capacity = capacities([bytes(100), bytes(60), bytes(50), bytes(7), bytes(1000, 'float32')]);
    expect([1, 7, 49, 50].map((pixels) => capacity(bytes(pixels)))).toEqual([50, 50, 50, 50]);
    expect([51, 60, 100].map((pixels) => capacity(bytes(pixels)))).toEqual([100, 100, 100]);
  });

  it('are one where all tensors are about as large', () => {
    const capacity = capacities([bytes(100), bytes(60)]);
    expect([60, 100].map((pixels) => capacity(bytes(pixels)))).toEqual([100, 100]);
  });
});

describe('a plan with such arrays', async () => {
  const features = { ...DEFAULT_FEATURES, nearestEven: true, subgroups: { min: 4, max: 4 } };
  const plan = createPlan(readModel(await defaultModel()), { features, profile: DEFAULT_PROFILES.software });
  const declares = plan.steps.filter(({ unroll }) => unroll?.['INPUT_WORDS']);
  const info = (name: string) => plan.graph.tensors.get(name)!;

  it('has buffers that are as large as what is bound, and hardly more memory', () => {
    expect(declares.length).toBeGreaterThan(30);
    for (const step of plan.steps)
      for (const name of [...tensorsRead(step), step.output])
        expect(plan.buffers[plan.bufferOf.get(name)!], step.node).toBeGreaterThanOrEqual(boundBytes(step, info(name)));
    for (const step of declares) {
      expect(boundBytes(step, info(step.output))).toBe(4 * step.unroll!['OUTPUT_WORDS']!);
      expect(step.unroll!['OUTPUT_WORDS']! * 4).toBeGreaterThanOrEqual(packedBytes(info(step.output)));
    }
    const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
    expect(sum(plan.buffers)).toBeLessThan(1.2 * sum(createPlan(plan.graph, { semantics: plan.semantics }).buffers));
  });

  it('has as many pipelines as without', () => {
    const distinct = (unroll: (step: Step) => Step['unroll']): number =>
      new Set(plan.steps.map((step) => JSON.stringify({ ...pipelineKey(step), unroll: unroll(step) }))).size;
    const without = ({ unroll = {} }: Step) => {
      const { INPUT_WORDS: _, OUTPUT_WORDS: __, ...rest } = unroll;
      return rest;
    };
    expect(distinct(({ unroll }) => unroll ?? {})).toBe(distinct(without));
  });

  it('has room for a word a sum where sums are asked for', () => {
    for (const step of declares)
      expect(accumulatorKey(step).unroll['OUTPUT_WORDS']).toBe(4 * step.unroll!['OUTPUT_WORDS']!);
  });
});
