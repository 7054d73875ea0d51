import { describe, expect, it } from 'vitest';
import { defaultModel } from '../../../models/index.ts';
import { readModel } from '../../formats/index.ts';
import { boundBytes, lengths, summing, UNIT } from './lengths.ts';
import { DEFAULT_FEATURES } from '../features.ts';
import { packedBytes } from '../../layers/layout.ts';
import { tensorsRead } from '../step.ts';
import { createPlan } from '../../plan/plan.ts';
import { DEFAULT_PROFILES } from '../../plan/profile.ts';

/** A tensor of so many units, and of some words more or less. */
const units = (count: number, more = 0, type: 'uint8' | 'float32' = 'uint8') => ({
  name: 't',
  type,
  shape: [1, 4, 1, count * UNIT + more],
});

describe('lengths of declared arrays', () => {
  it('are two: the largest tensor, and the largest of at most half of it', () => {
    const lengthOf = lengths([units(100), units(60), units(50), units(7), units(1000, 0, 'float32')]);
    expect([units(1), units(7), units(50, -1), units(50)].map(lengthOf)).toEqual(Array(4).fill(50 * UNIT));
    expect([units(50, 1), units(60), units(100)].map(lengthOf)).toEqual(Array(3).fill(100 * UNIT));
  });

  it('are one where all tensors are about as large', () => {
    const lengthOf = lengths([units(100), units(60)]);
    expect([units(60), units(100)].map(lengthOf)).toEqual([100 * UNIT, 100 * UNIT]);
  });
});

it('are whole units, the same for all small tensors', () => {
  const lengthOf = lengths([units(0, 300), units(0, 7), units(0, 100)]);
  expect([units(0, 300), units(0, 7)].map(lengthOf)).toEqual([UNIT, UNIT]);
  expect(lengths([units(3, 1)])(units(3, 1))).toBe(4 * UNIT);
});

describe('a plan with such arrays', async () => {
  const features = { ...DEFAULT_FEATURES, nearestEven: true, subgroups: { min: 4, max: 4 } };
  const plan = createPlan(readModel(await defaultModel()), { features, profile: DEFAULT_PROFILES.software });
  const declares = plan.steps.filter(({ counts }) => counts['INPUT_WORDS']);
  const info = (name: string) => plan.graph.tensors.get(name)!;

  it('has buffers that are as large as what is bound, and hardly more memory', () => {
    expect(declares.length).toBeGreaterThan(30);
    for (const step of plan.steps)
      for (const name of [...tensorsRead(step), step.output])
        expect(plan.buffers[plan.bufferOf.get(name)!], step.node).toBeGreaterThanOrEqual(boundBytes(step, info(name)));
    for (const step of declares) {
      expect(boundBytes(step, info(step.output))).toBe(4 * step.counts['OUTPUT_WORDS']!);
      expect(step.counts['OUTPUT_WORDS']! * 4).toBeGreaterThanOrEqual(packedBytes(info(step.output)));
    }
    const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
    expect(sum(plan.buffers)).toBeLessThan(1.2 * sum(createPlan(plan.graph, { engine: plan.engine }).buffers));
  });

  it('has as many pipelines as without', () => {
    const distinct = (countsOf: (counts: Readonly<Record<string, number>>) => object): number =>
      new Set(
        plan.steps.map(({ kernel, slots, counts, overrides }) =>
          JSON.stringify([kernel, slots, countsOf(counts), overrides]),
        ),
      ).size;
    const without = ({ INPUT_WORDS: _, OUTPUT_WORDS: __, ...rest }: Readonly<Record<string, number>>) => rest;
    expect(distinct((counts) => counts)).toBe(distinct(without));
  });

  it('has room for a word a sum where sums are asked for', () => {
    for (const step of declares) expect(summing(step).counts['OUTPUT_WORDS']).toBe(4 * step.counts['OUTPUT_WORDS']!);
  });
});
