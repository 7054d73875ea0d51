import { UnsupportedModelError } from '../../src/errors.ts';
import { featuresOf } from '../../src/gpu/device.ts';
import type { Features } from '../../src/kernels/features.ts';
import { FUSIONS } from '../../src/join/fusion.ts';
import { TILES } from '../../src/kernels/tiles.ts';
import { shadersOf } from '../../src/kernels/step.ts';
import { createPlan, type Plan } from '../../src/plan/plan.ts';
import { DEFAULT_PROFILES, type Profile } from '../../src/plan/profile.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { InferenceSession } from '../../src/session.ts';
import { generateBlock } from './blocks.ts';
import { bitsOf, firstDifference } from '../compare/bits.ts';

export interface BlocksResult {
  readonly cases: number;
  readonly elements: number;
  /** Cases that the engine or exact8 refuses by name. */
  readonly refused: number;
  /** How many runs used each fused kernel with what is linked behind it, and how many dispatches that saved. */
  readonly coverage: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** The plan's profile, with a tile named for its blocks. */
function withTile({ profile, steps }: Plan, tile: readonly [number, number]): Profile {
  const geometries = steps.flatMap(({ variant }) => (variant?.kind === 'depthwise' ? [variant.geometry] : []));
  return { ...profile, blocks: Object.fromEntries(geometries.map((geometry) => [geometry, tile.join('x')])) };
}

/**
 * Generated blocks `from` to `to - 1` on a device, in every fusion; the tile of a fused block is chosen in
 * one half of the cases, and named in the other. Layers are joined behind the kernels of software adapters, too. What `run`
 * and `trace` give is compared with the host reference.
 */
export async function runBlocks(
  engine: string,
  seed: number,
  from: number,
  to: number,
  device: GPUDevice,
  given?: Features,
): Promise<BlocksResult> {
  const features = given ?? (await featuresOf(device));
  const coverage: Record<string, number> = {};
  const failures: string[] = [];
  let [elements, refused] = [0, 0];
  for (let index = from; index < to; index++) {
    const test = generateBlock(engine, seed, index);
    try {
      const plan = createPlan(test.graph, { features });
      const [output] = test.graph.outputs as [string];
      const expected = bitsOf(referenceTrace(plan, test.feeds).outputs[output]!.data);
      elements += expected.length;
      const chosen = index % 2 ? withTile(plan, TILES[(index >> 1) % TILES.length]!) : plan.profile;
      const { software } = DEFAULT_PROFILES;
      const ways = [
        ...FUSIONS.map((fusion) => ({ fusion, profile: chosen })),
        { fusion: 'layers', profile: software } as const,
      ];
      for (const { fusion, profile } of ways) {
        const session = await InferenceSession.create(test.graph, { device, features, profile, fusion });
        const actual = bitsOf((await session.run(test.feeds))[output]!.data);
        const traced = bitsOf((await session.trace(test.feeds)).outputs[output]!.data);
        const kernels = session.plan.steps.map((step) => shadersOf(step).join(' '));
        for (const kernel of kernels) coverage[kernel] = (coverage[kernel] ?? 0) + 1;
        session.release();
        for (const [what, got] of [
          ['run', actual],
          ['trace', traced],
        ] as const) {
          const { at, count } = firstDifference(got, expected);
          if (count > 0)
            failures.push(
              `${test.id} (${test.description}) ${fusion} of ${profile.name}, ${what}: ${count} of ${expected.length} differ, ` +
                `the first at ${at}: ${got[at]}, not ${expected[at]}; ${kernels.join('; ')}`,
            );
        }
      }
    } catch (error) {
      if (!(error instanceof UnsupportedModelError))
        throw new Error(`${test.id} (${test.description}): ${String(error)}`, { cause: error });
      refused++;
    }
  }
  return { cases: to - from, elements, refused, coverage, failures };
}
