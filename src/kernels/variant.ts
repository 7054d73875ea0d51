/** A kernel variant by name and, where it comes in several sizes, its tile. */
export interface VariantChoice {
  readonly variant: string;
  /** The size of the tile, in the unit that the variant's file says (pixels, words). Default: the first of its sizes. */
  readonly tile?: number;
}

/** A variant for one layer: can it compute it, and in which tiles? */
export interface VariantOption {
  readonly variant: string;
  /** Empty where the variant has one size. */
  readonly tiles: readonly number[];
  /** true, or why not. */
  readonly admitted: true | string;
}

/** A layer that more than one kernel variant can compute. */
export interface LayerGeometry {
  /** The node's name. */
  readonly node: string;
  /** pointwise, depthwise, ...: each kind has a list of variants. */
  readonly kind: string;
  /** Layers that agree in it take the same time: see geometryKey. */
  readonly geometry: string;
}

/** What a plan wants of the kernels; made from a profile (plan/profile.ts). */
export interface Preferences {
  /** The variant that has to compute a layer: refused where it cannot. */
  forced(layer: LayerGeometry): VariantChoice | undefined;
  /** Variants in order of preference: the first that can compute the layer does. */
  wanted(layer: LayerGeometry): readonly VariantChoice[];
  /** The tile that computes a block, by its depthwise layer's geometry: '4x8', or 'unfused'. */
  block(geometry: string): string | undefined;
  /** Requantization forms, the cheapest first. */
  readonly forms: readonly string[];
  /** Does the device round to nearest, ties to even? */
  readonly nearestEven: boolean;
}
