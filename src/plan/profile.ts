import type { Preferences, VariantChoice } from '../ops/variant.ts';
import type { Fusion } from './fuse/index.ts';

/**
 * Which kernel variant computes which layer: plain JSON. Results never depend on it, only their time:
 * every variant is exact, and one that cannot compute a layer is passed over.
 */
export interface Profile {
  readonly name: string;
  /** For each kind of layer, variants in order of preference: the first that can compute a layer does. */
  readonly kinds: Readonly<Record<string, readonly VariantChoice[]>>;
  /** For single geometries (Step.variant.geometry), as they were tuned: before `kinds`. */
  readonly layers?: Readonly<Record<string, VariantChoice>>;
  /** For single nodes, by name: forced. A plan is refused where the variant cannot compute the node. */
  readonly nodes?: Readonly<Record<string, VariantChoice>>;
  /** Requantization forms in order of cost, the cheapest first; those not named follow. */
  readonly forms?: readonly string[];
  /** How far steps are joined. */
  readonly fusion?: Fusion;
  /** For inverted residual blocks, by their depthwise layer's geometry: '4x8', the tile of a fused one, or 'unfused'. */
  readonly blocks?: Readonly<Record<string, string>>;
}

/** Adapters that compute on the processor's own cores, and all others. */
export type AdapterFamily = 'software' | 'gpu';

const choices = (...variants: string[]): VariantChoice[] => variants.map((variant) => ({ variant }));

/** What is fast without tuning, by adapter family: docs/performance.md says why. */
export const DEFAULT_PROFILES: Readonly<Record<AdapterFamily, Profile>> = {
  software: {
    name: 'software',
    // vector shifts and gathered loads cost more than anything else there
    forms: ['checked_line'],
    kinds: {
      pointwise: choices('lanes', 'lanes_plain'),
      conv: choices('lanes', 'lanes_plain'),
      gemm: choices('lanes', 'lanes_plain'),
      depthwise: choices('depthwise_tile'),
    },
  },
  gpu: {
    name: 'gpu',
    kinds: { pointwise: choices('pointwise'), gemm: choices('pointwise') },
  },
};

/** What an adapter says of itself, as WebGPU names it. */
export interface AdapterNames {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
}

export function adapterFamily(names: AdapterNames): AdapterFamily {
  const text = [names.vendor, names.architecture, names.device, names.description].join(' ');
  return names.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(text) ? 'software' : 'gpu';
}

/** The kernels that blocks are made of, whose data fused steps are put together from. */
export function plainPreferences(profile: Profile): Preferences {
  return {
    forced: () => undefined,
    wanted: () => choices('pointwise', 'depthwise', 'conv'),
    forms: profile.forms ?? [],
    integersOnly: true,
  };
}

/** A profile as operators ask it. */
export function preferencesOf(profile: Profile): Preferences {
  return {
    forced: ({ node }) => profile.nodes?.[node],
    wanted({ kind, geometry }) {
      const tuned = profile.layers?.[geometry];
      return [...(tuned ? [tuned] : []), ...(profile.kinds[kind] ?? [])];
    },
    forms: profile.forms ?? [],
  };
}
