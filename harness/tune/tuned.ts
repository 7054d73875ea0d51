import type { VariantChoice } from '../../src/kernels/variant.ts';
import type { Profile } from '../../src/plan/profile.ts';
import { nameOf, type BlockTask, type TuneTask } from './tasks.ts';

/** Something that was tried. */
export interface Measured {
  /** Median; absent where it was not timed, because it is wrong. */
  readonly ms?: number;
  /** Elements that differ from the host reference: what has any is refused. */
  readonly mismatches: number;
  /** Why the device did not run it: refused, too. */
  readonly failure?: string;
}

/** A kernel variant of a geometry; of one dispatch. */
interface TunedVariant extends VariantChoice, Measured {}

export interface TunedLayer extends Omit<TuneTask, 'choices'> {
  readonly variants: readonly TunedVariant[];
  readonly best: VariantChoice;
}

/** A block in one tile, or unfused; of all its dispatches. */
interface TunedTile extends Measured {
  readonly tile: string;
}

export interface TunedBlock extends Omit<BlockTask, 'choices' | 'nodes'> {
  readonly tiles: readonly TunedTile[];
  readonly best: string;
}

/** How far dispatches are joined; of the whole network. */
export interface TunedFusion extends Measured {
  readonly fusion: string;
  readonly dispatches: number;
}

/** Milliseconds of an inference by the profile that tuning started from, and by the tuned one; in turns. */
export interface Latency {
  readonly untuned: number;
  readonly tuned: number;
}

/** What tuning found, whole or in part. */
export interface Tuned {
  readonly complete: boolean;
  readonly layers: readonly TunedLayer[];
  readonly blocks: readonly TunedBlock[];
  readonly fusions: readonly TunedFusion[];
  readonly latencyMs?: Latency;
  readonly profile: Profile;
}

/** Another choice has to take less than this part of the untuned one's time: less is noise. */
const WORTH = 0.95;

/** The fastest of those that are exact; the untuned one where no other is faster by more than noise. */
export function fastest<T extends Measured>(all: readonly T[], isUntuned: (one: T) => boolean): T | undefined {
  const exact = all.filter(({ mismatches, ms }) => mismatches === 0 && ms !== undefined);
  const usual = exact.find(isUntuned);
  const best = exact.toSorted((a, b) => a.ms! - b.ms!)[0];
  return usual && best && best.ms! >= usual.ms! * WORTH ? usual : best;
}

export function bestOf(untuned: VariantChoice, variants: readonly TunedVariant[]): VariantChoice {
  const best = fastest(variants, (one) => nameOf(one) === nameOf(untuned)) ?? untuned;
  return { variant: best.variant, ...(best.tile === undefined ? {} : { tile: best.tile }) };
}

export function bestFusion(fusions: readonly TunedFusion[]): TunedFusion | undefined {
  return fastest(fusions, ({ fusion }) => fusion === fusions[0]!.fusion);
}

/** A profile with what was measured, before what the profile that it is made from says of whole kinds. */
export function tunedProfile(
  base: Profile,
  name: string,
  { layers, blocks }: Pick<Tuned, 'layers' | 'blocks'>,
  fusion?: TunedFusion,
): Profile {
  const bests = <T>(tuned: readonly { geometry: string; best: T }[]): Record<string, T> =>
    Object.fromEntries(tuned.map(({ geometry, best }) => [geometry, best]));
  return {
    ...base,
    name,
    layers: { ...base.layers, ...bests(layers) },
    ...(blocks.length > 0 ? { blocks: { ...base.blocks, ...bests(blocks) } } : {}),
    ...(fusion ? { fusion: fusion.fusion as NonNullable<Profile['fusion']> } : {}),
  };
}

/** Whatever was refused because it is wrong or did not run, in words. */
export function refusals({ layers, blocks, fusions }: Pick<Tuned, 'layers' | 'blocks' | 'fusions'>): string[] {
  const why = (what: string, { mismatches, failure }: Measured, where: string): string[] =>
    failure !== undefined
      ? [`${what} does not run ${where}: ${failure}`]
      : mismatches > 0
        ? [`${what} gives ${mismatches} wrong values ${where}`]
        : [];
  return [
    ...layers.flatMap(({ node, variants }) => variants.flatMap((one) => why(nameOf(one), one, `in ${node}`))),
    ...blocks.flatMap(({ node, tiles }) =>
      tiles.flatMap((one) => why(`a block of tile ${one.tile}`, one, `around ${node}`)),
    ),
    ...fusions.flatMap((one) => why(`fusion ${one.fusion}`, one, 'in the outputs')),
  ];
}
