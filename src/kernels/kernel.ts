import { KERNELS } from './interfaces.ts';

/** A shader of `shaders/`; `interfaces.ts` has what it declares. */
export type KernelName = keyof typeof KERNELS;

type Declared<
  K extends KernelName,
  What extends 'geometry' | 'overrides' | 'counts' | 'slots',
> = (typeof KERNELS)[K][What][number];

/** Filled in later: what becomes of the sums, by an output stage; lengths of arrays (software/lengths.ts). */
type Later = 'output' | 'INPUT_WORDS' | 'OUTPUT_WORDS';

/** What a kernel is given: fields of its uniform struct Geometry, each a u32; overrides; counts; the modules in its slots. */
interface Given<K extends KernelName> {
  readonly geometry: Readonly<Record<Declared<K, 'geometry'>, number>>;
  readonly overrides: Readonly<Record<Declared<K, 'overrides'>, number>>;
  readonly counts: Readonly<Record<Exclude<Declared<K, 'counts'>, Later>, number>>;
  readonly slots: Readonly<Record<Exclude<Declared<K, 'slots'>, Later>, string>>;
}

/** What is given may be left out where the shader declares nothing of the kind. */
type Wanted<K extends KernelName> = {
  readonly [Kind in keyof Given<K> as keyof Given<K>[Kind] extends never ? never : Kind]: Given<K>[Kind];
};

/** `G`, of which neither a kind nor a name within one is left over. */
type Exactly<K extends KernelName, G> = {
  readonly [Kind in keyof G]: Kind extends keyof Wanted<K>
    ? { readonly [Name in keyof G[Kind]]: Name extends keyof Given<K>[Kind & keyof Given<K>] ? G[Kind][Name] : never }
    : never;
};

/**
 * What a step has of its kernel. What the shader does not declare, or what is left out, is a type error.
 *
 * @param stage what becomes of the sums, of kernels that have the slot `output`
 */
export function useKernel<K extends KernelName, G extends Wanted<K>>(
  kernel: K,
  given: G & Exactly<K, G>,
  stage: Partial<Specialization> = {},
): { readonly kernel: K } & Given<K> {
  const { geometry = {}, overrides, counts, slots } = given as Partial<Given<K>>;
  return {
    kernel,
    geometry,
    overrides: { ...stage.overrides, ...overrides },
    counts: { ...stage.counts, ...counts },
    slots: { ...stage.slots, ...slots },
  } as { readonly kernel: K } & Given<K>;
}

/** Those of the given values that a kernel itself declares, and not the modules in its slots. */
function own<T>(given: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
}

/** What of a step decides its text and pipeline. */
export interface Specialization {
  readonly kernel: KernelName;
  readonly slots: Readonly<Record<string, string>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly overrides: Readonly<Record<string, number>>;
}

/** A kernel with another output stage, of which nothing has to be known: `output/accumulators`, say. */
export function withOutput({ kernel, slots, counts, overrides }: Specialization, output: string): Specialization {
  const declared = KERNELS[kernel];
  return {
    kernel,
    slots: { ...own(slots, declared.slots), output },
    counts: own(counts, declared.counts),
    overrides: own(overrides, declared.overrides),
  };
}
