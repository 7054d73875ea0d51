import { InvalidInputError } from '../errors.ts';
import { isRecord } from '../kind_of.ts';
import { LINEAR_KERNELS } from '../kernels/choose.ts';
import type { Features } from '../kernels/features.ts';
import type { Preferences, VariantChoice } from '../kernels/variant.ts';
import { FUSIONS, type Fusion } from '../join/fusion.ts';

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

/** The variants that are for software adapters, in the table's order. */
function softwareKinds(): Profile['kinds'] {
  const kinds: Record<string, VariantChoice[]> = {};
  for (const { name, kinds: its, software } of LINEAR_KERNELS)
    if (software) for (const kind of its) (kinds[kind] ??= []).push({ variant: name });
  return kinds;
}

/** What is fast without tuning, by adapter family: docs/performance.md says why. */
export const DEFAULT_PROFILES: Readonly<Record<AdapterFamily, Profile>> = {
  software: {
    name: 'software',
    // vector shifts and gathered loads cost more than anything else there
    forms: ['nearest_even', 'checked_line'],
    kinds: softwareKinds(),
    fusion: 'floats',
  },
  gpu: {
    name: 'gpu',
    // tables of boundaries are more than all weights together
    forms: ['nearest_even', 'multiply_shift', 'two_limbs', 'wide_multiply', 'checked_line'],
    fusion: 'blocks',
    // of one pixel there are few outputs: threads share the words of a sum
    kinds: { pointwise: [{ variant: 'pointwise' }], gemm: [{ variant: 'pointwise_tiled', tile: 2 }] },
  },
};

/** What an adapter says of itself, as WebGPU names it. */
interface AdapterNames {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly device?: string;
  readonly description?: string;
  readonly isFallbackAdapter?: boolean;
}

export function adapterFamily(names: AdapterNames): AdapterFamily {
  const text = [names.vendor, names.architecture, names.device, names.description].join(' ');
  return names.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(text) ? 'software' : 'gpu';
}

export function preferencesOf(profile: Profile, features: Features): Preferences {
  return {
    forced: ({ node }) => profile.nodes?.[node],
    wanted({ kind, geometry }) {
      const tuned = profile.layers?.[geometry];
      return [...(tuned ? [tuned] : []), ...(profile.kinds[kind] ?? [])];
    },
    block: (geometry) => profile.blocks?.[geometry],
    forms: profile.forms ?? [],
    nearestEven: features.nearestEven ?? false,
  };
}

const isChoice = (value: unknown): value is VariantChoice =>
  isRecord(value) && typeof value['variant'] === 'string' && ['number', 'undefined'].includes(typeof value['tile']);

/**
 * A profile from parsed JSON. Variants that it names and that are not there are no error, unless they are forced: a
 * profile outlives kernels.
 *
 * @throws InvalidInputError naming what is not as a profile has it
 */
export function parseProfile(value: unknown): Profile {
  const require = (holds: boolean, what: string): void => {
    if (!holds) throw new InvalidInputError(`this is no profile: ${what}`);
  };
  require(isRecord(value), 'an object is needed');
  const { name, kinds, layers = {}, nodes = {}, forms = [], fusion, blocks = {} } = value as Record<string, unknown>;
  require(typeof name === 'string', "'name' is a string");
  require(isRecord(kinds) &&
    Object.values(kinds).every(
      (list) => Array.isArray(list) && list.every(isChoice),
    ), "'kinds' holds lists of { variant, tile? }");
  for (const [key, choices] of Object.entries({ layers, nodes }))
    require(isRecord(choices) && Object.values(choices).every(isChoice), `'${key}' holds { variant, tile? } by name`);
  require(Array.isArray(forms) && forms.every((form) => typeof form === 'string'), "'forms' is a list of names");
  require(fusion === undefined || FUSIONS.includes(fusion as Fusion), `'fusion' is one of ${FUSIONS.join(', ')}`);
  require(isRecord(blocks) &&
    Object.values(blocks).every((b) => typeof b === 'string'), "'blocks' holds tiles by name");
  return value as unknown as Profile;
}
