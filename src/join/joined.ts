import type { TensorInfo } from '../graph/graph.ts';
import {
  makesBytes,
  type Layer,
  type LayerKind,
  type LinearKind,
  type Place,
  type Requantizing,
} from '../layers/layer.ts';

/** An inverted residual block: what lies between its layers is never written. */
export interface Block {
  readonly kind: 'block';
  /** float32 to the bytes that the first layer takes. */
  readonly quantize?: Layer<'quantize'>;
  readonly expand?: Requantizing<'pointwise' | 'conv' | 'gemm'>;
  readonly depthwise: Requantizing<'depthwise'>;
  readonly project: Requantizing<'pointwise'>;
}

/** A 1 by 1 convolution and the average of all its pixels. */
export interface PooledPointwise {
  readonly kind: 'pooled_pointwise';
  readonly pointwise: Requantizing<'pointwise'>;
  readonly pool: Layer<'global_average_pool'>;
}

/** What is done with the bytes of a layer or a block before anything is written. `other` is the place in `reads` of what it adds. */
export type Epilogue =
  /** An 8-bit function of them and of another tensor of the same shape. */
  | { readonly kind: 'pair'; readonly pair: Layer<'pair'>; readonly other: number }
  | { readonly kind: 'floats'; readonly dequantize: Layer<'table'>; readonly sum?: FloatSum }
  | Scaled;

/** What a dynamically quantized model makes of int32 sums, in float32. */
export interface Scaled {
  readonly kind: 'scaled';
  /** The product of the input's scale and the weights', where that is for these sums alone. */
  readonly scales?: Layer<'operation'>;
  /** int32 as float32. */
  readonly cast: Layer<'function'>;
  /** Times the product of the scales. */
  readonly scale: Layer<'operation'>;
  /** That product. */
  readonly product: TensorInfo;
  /** A constant a channel. */
  readonly bias?: Layer<'add_float32'>;
  readonly clip?: Layer<'function'>;
  readonly residual?: { readonly add: Layer<'add_float32'>; readonly other: TensorInfo };
  /** The range of the result, and what follows from it. */
  readonly range?: Ranging;
}

export interface Ranging {
  readonly range: Layer<'range'>;
  readonly scale: Layer<'range_parameter'>;
  readonly zeroPoint: Layer<'range_parameter'>;
}

/** Its layers, the last of which makes the result. */
export function scaledLayers({ scales, cast, scale, bias, clip, residual }: Scaled): Layer[] {
  return [scales, cast, scale, bias, clip, residual?.add].filter((layer) => layer !== undefined);
}

export interface FloatSum {
  readonly add: Layer<'add_float32'>;
  /** Absent where that is a constant. */
  readonly other?: number;
  /** What makes it, for this add alone. */
  readonly dequantize?: Layer<'table'>;
}

/** What one dispatch computes: a layer, or several that are joined. */
export interface Joined {
  readonly core: Layer | Block | PooledPointwise;
  readonly epilogue?: Epilogue;
}

/** Something joined, and what it takes the place of: the last of these, or the first. */
export interface Found {
  readonly joined: Joined;
  readonly replaces: readonly Joined[];
  readonly first?: boolean;
}

/** A joined value that is one layer of these kinds, its epilogue aside. */
export function coreOf<K extends LayerKind>({ core }: Joined, ...kinds: readonly K[]): Layer<K> | undefined {
  return kinds.includes(core.kind as K) ? (core as Layer<K>) : undefined;
}

/** Likewise, of layers whose sums become bytes. */
export function requantizingCore<K extends LinearKind>(
  one: Joined,
  ...kinds: readonly K[]
): Requantizing<K> | undefined {
  const layer = coreOf(one, ...kinds);
  return layer && makesBytes(layer) ? layer : undefined;
}

function layersOfCore(core: Joined['core']): Layer[] {
  if (core.kind === 'pooled_pointwise') return [core.pointwise, core.pool];
  if (core.kind !== 'block') return [core];
  return [core.quantize, core.expand, core.depthwise, core.project].filter((layer) => layer !== undefined);
}

/** The layers of which it is made, in an order in which they can be computed. */
export function layersOf({ core, epilogue }: Joined): Layer[] {
  const layers = layersOfCore(core);
  if (!epilogue) return layers;
  if (epilogue.kind === 'pair') return [...layers, epilogue.pair];
  if (epilogue.kind === 'scaled') return [...layers, ...scaledLayers(epilogue), ...Object.values(epilogue.range ?? {})];
  const { dequantize, sum } = epilogue;
  return [sum?.dequantize, ...layers, dequantize, sum?.add].filter((layer) => layer !== undefined);
}

/** What it reads and writes, as the last of its layers is called. */
export function placeOf(joined: Joined, memoryOf: (tensor: string) => string): Place {
  const layers = layersOf(joined);
  const { epilogue } = joined;
  const { node, op, writes } = (epilogue?.kind === 'scaled' ? scaledLayers(epilogue) : layers).at(-1)!;
  const made = new Set(layers.map((layer) => memoryOf(layer.writes.name)));
  const reads = layers.flatMap((layer) => layer.reads).filter(({ name }) => !made.has(memoryOf(name)));
  return { node, op, reads, writes };
}
