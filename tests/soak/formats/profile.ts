import type { Random } from '../../../models/random.ts';
import { readModel } from '../../../src/formats/index.ts';
import { createPlan } from '../../../src/plan/plan.ts';
import { DEFAULT_PROFILES, parseProfile } from '../../../src/plan/profile.ts';
import { smallQOperatorModel } from '../../helpers/small_onnx.ts';
import { limit, type FuzzedFormat } from '../format.ts';

const VALUES = [
  null,
  '',
  'blocks',
  'lanes',
  'search',
  '4x4',
  1e300,
  [],
  {},
  [[]],
  true,
  { variant: 'lanes', tile: -1 },
];

/** One value somewhere inside is another. */
function changed(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.2))
    return random.chance(0.2) ? limit(random) : random.pick(VALUES);
  const entries = Object.entries(value);
  if (entries.length === 0) return random.pick(VALUES);
  const at = random.integer(0, entries.length - 1);
  const next = entries.map(([key, one], i) => [key, i === at ? changed(one, random) : one] as const);
  return Array.isArray(value) ? next.map(([, one]) => one) : Object.fromEntries(next);
}

const graph = readModel(smallQOperatorModel());

export const profile: FuzzedFormat = {
  name: 'profile',
  corpus: async () =>
    [
      ...Object.values(DEFAULT_PROFILES),
      {
        name: 'tuned',
        kinds: {},
        layers: { a: { variant: 'lanes', tile: 4 } },
        nodes: { n_c: { variant: 'conv' } },
        blocks: {},
      },
    ].map((one) => Buffer.from(JSON.stringify(one))),
  mutate: (file, random) =>
    Buffer.from(JSON.stringify(changed(JSON.parse(Buffer.from(file).toString()), random)) ?? ''),
  use(file) {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(file).toString());
    } catch {
      return; // whoever reads the file says that it is no JSON
    }
    createPlan(graph, { profile: parseProfile(value) });
  },
};
