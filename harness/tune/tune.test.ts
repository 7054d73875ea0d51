import { describe, expect, it } from 'vitest';
import { heat } from './heat_map.ts';
import { renderHeatMap } from './report.ts';
import { tuneTasks } from './tasks.ts';
import { bestFusion, bestOf, refusals, tunedProfile, type TunedLayer } from './tuned.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { DEFAULT_PROFILES, parseProfile } from '../../src/plan/profile.ts';
import { smallLayer } from '../../tests/helpers/small_layers.ts';

const { graph } = smallLayer({ channels: [4, 8], stride: 1 }, 1);
const plan = createPlan(graph, {
  profile: DEFAULT_PROFILES.software,
  features: { packedDot: true, workgroupStorage: 16384, workgroupInvocations: 256 },
});
const [task] = tuneTasks(plan);

describe('what there is to tune', () => {
  it('is every geometry once, the untuned variant first, and none that a device cannot run', () => {
    expect(task).toMatchObject({ kind: 'conv', node: 'n', layers: 1, untuned: task!.choices[0] });
    const names = task!.choices.map(({ variant, tile }) => `${variant} ${tile}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('conv undefined');
    // these need subgroups
    expect(names.filter((name) => name.startsWith('lanes '))).toEqual([]);
    expect(names.filter((name) => name.startsWith('lanes_plain ')).length).toBeGreaterThan(1);
  });
});

describe('what is chosen', () => {
  const untuned = { variant: 'a' };
  it('is the fastest exact variant, where it is faster by more than noise', () => {
    const slow = { ...untuned, ms: 1, mismatches: 0 };
    expect(bestOf(untuned, [slow, { variant: 'b', tile: 4, ms: 0.5, mismatches: 0 }])).toEqual({
      variant: 'b',
      tile: 4,
    });
    expect(bestOf(untuned, [slow, { variant: 'b', ms: 0.97, mismatches: 0 }])).toEqual(untuned);
  });
  it('is never one that is wrong, however fast', () => {
    const wrong = { variant: 'b', mismatches: 3 };
    expect(bestOf(untuned, [{ ...untuned, ms: 1, mismatches: 0 }, wrong])).toEqual(untuned);
    const fusions = [
      { fusion: 'none', dispatches: 9, ms: 2, mismatches: 0 },
      { fusion: 'blocks', dispatches: 3, ms: 1, mismatches: 1 },
    ];
    expect(bestFusion(fusions)!.fusion).toBe('none');
  });
});

const tuned: TunedLayer = {
  ...task!,
  variants: [
    { ...task!.untuned, ms: 2, mismatches: 0 },
    { variant: 'conv', ms: 1, mismatches: 0 },
    { variant: 'quick', mismatches: 7 },
  ],
  best: { variant: 'conv' },
};

describe('a tuned profile', () => {
  const profile = tunedProfile(DEFAULT_PROFILES.software, 'tuned', { layers: [tuned], blocks: [] });
  it('names what was refused, and why', () => {
    const broken = {
      ...tuned,
      variants: [...tuned.variants, { variant: 'odd', tile: 3, mismatches: 0, failure: 'no' }],
    };
    expect(refusals({ layers: [broken], blocks: [], fusions: [] })).toEqual([
      'quick gives 7 wrong values in n',
      'odd 3 does not run in n: no',
    ]);
  });
  it('makes a plan of what was chosen, and goes through JSON', () => {
    expect(createPlan(graph, { profile }).steps[0]!.variant).toMatchObject({ variant: 'conv' });
    expect(parseProfile(JSON.parse(JSON.stringify(profile)))).toEqual(profile);
  });
  it.each([
    [null, 'an object'],
    [{ kinds: {} }, "'name'"],
    [{ name: 'x', kinds: { conv: ['lanes'] } }, "'kinds'"],
    [{ name: 'x', kinds: {}, layers: { a: { tile: 4 } } }, "'layers'"],
    [{ name: 'x', kinds: {}, fusion: 'most' }, "'fusion'"],
  ])('%j is none: %s', (value, what) => expect(() => parseProfile(value)).toThrow(what));
});

describe('the heat map', () => {
  it('is hotter the slower, on a logarithmic scale', () => {
    expect([1, 2, 4, 8, 99].map((ms) => Math.round(100 * heat(ms, 1)))).toEqual([0, 33, 67, 100, 100]);
  });
  it('says in numbers and words what its colours say', () => {
    const page = renderHeatMap({
      ...{ adapter: 'an adapter', runtime: 'a browser', model: 'm.onnx', date: '2026-11-25T00:00:00Z' },
      layers: [tuned],
      ...{ blocks: [], fusions: [] },
    });
    expect(page).toContain('wrong: 7');
    expect(page).toMatch(/1\.000\s*●/);
    expect(page).not.toContain('<script');
  });
});
