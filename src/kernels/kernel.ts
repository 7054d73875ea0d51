import type { KERNELS } from './interfaces.ts';

/** Threads a workgroup of kernels that number their threads. */
export const WORKGROUP_SIZE = 64;

/** A shader of `shaders/`; `interfaces.ts` has what it declares. */
export type KernelName = keyof typeof KERNELS;

type Declared<
  K extends KernelName,
  What extends keyof (typeof KERNELS)[K],
> = (typeof KERNELS)[K][What] extends readonly (infer Name extends string)[] ? Name : never;

/** The fields of a kernel's uniform struct Geometry, each a u32. */
export type Geometry<K extends KernelName> = Readonly<Record<Declared<K, 'geometry'>, number>>;

/** The overrides that a kernel's own file declares without a value. */
export type Overrides<K extends KernelName> = Readonly<Record<Declared<K, 'overrides'>, number>>;

/** `Given`, of which nothing may be missing in `Wanted`, nor be left over. */
type Exactly<Wanted, Given extends Wanted> = Given & Readonly<Record<Exclude<keyof Given, keyof Wanted>, never>>;

type Use<K extends KernelName, G extends Geometry<K>, O extends Overrides<K>> = {
  readonly geometry: Exactly<Geometry<K>, G>;
} & ([Declared<K, 'overrides'>] extends [never]
  ? { readonly overrides?: never }
  : { readonly overrides: Exactly<Overrides<K>, O> });

/** What a step has of its kernel. What the shader does not declare, or what is left out, is a type error. */
export function useKernel<K extends KernelName, G extends Geometry<K>, O extends Overrides<K>>(
  kernel: K,
  { geometry, overrides }: Use<K, G, O>,
) {
  return { kernel, geometry: geometry as Geometry<K>, overrides: (overrides ?? {}) as Overrides<K> };
}
