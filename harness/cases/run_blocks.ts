import { featuresOf } from '../../src/gpu/device.ts';
import type { Features } from '../../src/kernels/features.ts';
import { FUSIONS, type Fusion } from '../../src/join/fusion.ts';
import { TILES } from '../../src/kernels/tiles.ts';
import { shadersOf } from '../../src/kernels/step.ts';
import { createPlan, type Plan } from '../../src/plan/plan.ts';
import { DEFAULT_PROFILES, type Profile } from '../../src/plan/profile.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { InferenceSession } from '../../src/session/session.ts';
import { bitsOf } from '../compare/bits.ts';
import { generateBlock } from './blocks.ts';
import type { Case } from './case.ts';
import { mismatchOf, runEach, type CaseRun, type CasesResult } from './run_cases.ts';

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
): Promise<CasesResult> {
  const features = given ?? (await featuresOf(device));
  const run = async (test: Case, index: number): Promise<CaseRun[]> => {
    const plan = createPlan(test.graph, { features });
    const [output] = test.graph.outputs as [string];
    const host = referenceTrace(plan, test.feeds).tensors.find(({ name }) => name === output)!;
    const chosen = index % 2 ? withTile(plan, TILES[(index >> 1) % TILES.length]!) : plan.profile;
    const ways: (readonly [Fusion, Profile])[] = [
      ...FUSIONS.map((fusion) => [fusion, chosen] as const),
      ['layers', DEFAULT_PROFILES.software],
    ];
    const runs: CaseRun[] = [];
    for (const [fusion, profile] of ways) {
      const session = await InferenceSession.create(test.graph, { device, features, profile, fusion });
      const computed = [(await session.run(test.feeds))[output]!, (await session.trace(test.feeds)).outputs[output]!];
      const kernels = session.plan.steps.map((step) => shadersOf(step).join(' '));
      session.release();
      const names = `${fusion} of ${profile.name}: ${kernels.join('; ')}`;
      const failures = computed.map(({ data }) =>
        mismatchOf(test, names, host, 'GPU and host', 'output', bitsOf(data), bitsOf(host.data)),
      );
      const failure = failures.find((one) => one !== undefined);
      runs.push({ kernels, elements: host.data.length, ...(failure && { failure }) });
    }
    return runs;
  };
  return runEach(from, to, (index) => generateBlock(engine, seed, index), run);
}
