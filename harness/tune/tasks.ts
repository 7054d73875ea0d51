import type { VariantChoice } from '../../src/ops/variant.ts';
import { variantsFor, type Plan } from '../../src/plan/plan.ts';
import type { Profile } from '../../src/plan/profile.ts';

/** A geometry that a model has layers of, and the kernel variants to choose from. */
export interface TuneTask {
  /** Step.variant.geometry: what a profile is asked by. */
  readonly geometry: string;
  readonly kind: string;
  /** The first layer of this geometry: the one that is measured. */
  readonly node: string;
  /** How many layers have it. */
  readonly layers: number;
  /** The profile's choice, without tuning. */
  readonly untuned: VariantChoice;
  /** Every admitted variant in every tile, the untuned one first. */
  readonly choices: readonly VariantChoice[];
}

/** One kernel variant of a geometry, measured. */
export interface TunedVariant extends VariantChoice {
  /** Median, of one dispatch; absent where it was not timed because it is wrong. */
  readonly ms?: number;
  /** Elements that differ from the host reference: a variant with any is refused. */
  readonly mismatches: number;
}

export interface TunedLayer extends Omit<TuneTask, 'choices'> {
  readonly variants: readonly TunedVariant[];
  readonly best: VariantChoice;
}

/** How far dispatches are joined, measured on the whole network. */
export interface TunedFusion {
  readonly fusion: string;
  readonly dispatches: number;
  readonly ms: number;
  /** Elements of the outputs that differ from the host reference's. */
  readonly mismatches: number;
}

/** Another variant has to take less than this part of the untuned one's time: less is noise. */
const WORTH = 0.95;

const sameChoice = (a: VariantChoice, b: VariantChoice): boolean => a.variant === b.variant && a.tile === b.tile;

const choiceOf = ({ variant, tile }: VariantChoice): VariantChoice => ({
  variant,
  ...(tile === undefined ? {} : { tile }),
});

/** Every distinct geometry of a plan, in the order of execution. A plan of one dispatch a node. */
export function tuneTasks(plan: Plan): TuneTask[] {
  const tasks = new Map<string, TuneTask>();
  for (const { variant } of plan.steps) {
    if (!variant) continue;
    const { geometry, kind, node } = variant;
    const known = tasks.get(geometry);
    if (known) {
      tasks.set(geometry, { ...known, layers: known.layers + 1 });
      continue;
    }
    const admitted = variantsFor(plan, node)
      .filter((option) => option.admitted === true)
      .flatMap(({ variant, tiles }): VariantChoice[] =>
        tiles.length > 0 ? tiles.map((tile) => ({ variant, tile })) : [{ variant }],
      );
    const untuned = choiceOf(variant);
    const choices = [untuned, ...admitted.filter((choice) => !sameChoice(choice, untuned))];
    tasks.set(geometry, { geometry, kind, node, layers: 1, untuned, choices });
  }
  return [...tasks.values()];
}

/** The fastest of the exact variants; the untuned one where no other is faster by more than noise. */
export function bestOf(untuned: VariantChoice, variants: readonly TunedVariant[]): VariantChoice {
  const exact = variants.filter(({ mismatches, ms }) => mismatches === 0 && ms !== undefined);
  const usual = exact.find((variant) => sameChoice(variant, untuned));
  const fastest = exact.toSorted((a, b) => a.ms! - b.ms!)[0];
  if (!fastest) return untuned;
  return choiceOf(usual && fastest.ms! >= usual.ms! * WORTH ? usual : fastest);
}

/** The fastest exact fusion; the first where no other is faster by more than noise. */
export function bestFusion(fusions: readonly TunedFusion[]): TunedFusion | undefined {
  const exact = fusions.filter(({ mismatches }) => mismatches === 0);
  const fastest = exact.toSorted((a, b) => a.ms - b.ms)[0];
  return fastest && exact[0] && fastest.ms >= exact[0].ms * WORTH ? exact[0] : fastest;
}

/** A profile with what was measured, before what the profile that it is made from says of whole kinds. */
export function tunedProfile(
  base: Profile,
  name: string,
  layers: readonly TunedLayer[],
  fusion?: TunedFusion,
): Profile {
  return {
    ...base,
    name,
    layers: { ...base.layers, ...Object.fromEntries(layers.map(({ geometry, best }) => [geometry, best])) },
    ...(fusion ? { fusion: fusion.fusion as NonNullable<Profile['fusion']> } : {}),
  };
}
