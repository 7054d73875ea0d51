import type { Tensors } from '../feeds.ts';
import type { Executable } from '../gpu/executable.ts';
import { takeInputs } from '../gpu/inputs.ts';
import { FUSIONS } from '../join/fusion.ts';
import type { Profile } from '../plan/profile.ts';
import type { Plan } from '../plan/steps.ts';
import { expectGoing, type Patience } from './source.ts';

/** For all timing together, in milliseconds; compiling comes besides. */
const TIME_LIMIT_MS = 2000;
/** Of a pair of plans, in turns. */
const ROUNDS = 5;
/** Another plan has to take less than this part of the time: less is noise. */
const WORTH = 0.95;

/** Whole plans of which one may be the fastest: as the profile has it, joined otherwise, with the kernels that need no reason. */
function profilesToMeasure(profile: Profile, fusion: Plan['fusion']): Profile[] {
  const joined = FUSIONS.filter((other) => other !== fusion).map((other) => ({
    ...profile,
    name: `measured, fusion ${other}`,
    fusion: other,
  }));
  return [{ ...profile, fusion }, ...joined, { name: `measured, fusion ${fusion}, usual kernels`, fusion, kinds: {} }];
}

/** Plans of the same dispatches take the same time. */
const dispatchesOf = ({ steps }: Plan): string =>
  JSON.stringify(steps.map(({ kernel, overrides, workgroups, output }) => [kernel, overrides, workgroups, output]));

/**
 * The fastest of a few whole plans on this device. Two take turns, and the faster one meets the next.
 *
 * @param planOf the plan that a profile makes
 * @throws DeviceError; the reason of `patience.signal`
 */
export async function fastestProfile(
  first: { readonly profile: Profile; readonly fusion: Plan['fusion'] },
  planOf: (profile: Profile) => Promise<Plan>,
  compile: (plan: Plan) => Promise<Executable>,
  feedsOf: (plan: Plan) => Tensors,
  patience: Patience,
): Promise<Profile> {
  const profiles = profilesToMeasure(first.profile, first.fusion);
  const share = TIME_LIMIT_MS / (profiles.length - 1) / ROUNDS / 2;
  const seen = new Set<string>();
  let best: { readonly profile: Profile; readonly executable: Executable } | undefined;

  /** Milliseconds of an inference; clocks of browsers are coarse, so several are timed together. */
  const time = async (executable: Executable, forMs: number): Promise<number> => {
    const inputs = takeInputs(executable.plan, feedsOf(executable.plan));
    const begin = Date.now();
    for (let runs = 1; ; runs++) {
      await executable.run(inputs);
      expectGoing(patience);
      const ms = Date.now() - begin;
      if (ms >= forMs) return ms / runs;
    }
  };
  const isFaster = async (one: Executable, other: Executable): Promise<boolean> => {
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) ratios.push((await time(one, share)) / (await time(other, share)));
    return ratios.sort((a, b) => a - b)[ROUNDS >> 1]! < WORTH;
  };

  try {
    for (const [i, profile] of profiles.entries()) {
      const plan = await planOf(profile);
      const dispatches = dispatchesOf(plan);
      if (!seen.has(dispatches)) {
        seen.add(dispatches);
        const executable = await compile(plan);
        let loser: Executable | undefined = executable;
        try {
          await time(executable, 0); // the first one is slow
          if (!best || (await isFaster(executable, best.executable))) {
            loser = best?.executable;
            best = { profile, executable };
          }
        } finally {
          loser?.release();
        }
      }
      patience.onProgress?.({ stage: 'measure', done: i + 1, total: profiles.length });
    }
    return best!.profile;
  } finally {
    best?.executable.release();
  }
}
