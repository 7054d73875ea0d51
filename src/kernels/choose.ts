import { UnsupportedModelError } from '../errors.ts';
import { layersOf, type Joined } from '../join/joined.ts';
import { geometryKey } from '../layers/linear/geometry.ts';
import { isLinear, type LayerKind } from '../layers/layer.ts';
import { conv } from './conv.ts';
import { convGrouped } from './conv_grouped.ts';
import { convPairs } from './conv_pairs.ts';
import { depthwise } from './depthwise.ts';
import type { Features } from './features.ts';
import { tileOfBlock } from './inverted_residual.ts';
import type { LinearKernel, LinearLayer } from './linear.ts';
import { admitsScaled } from './scaled.ts';
import { pointwise } from './pointwise.ts';
import { pointwiseTiled } from './pointwise_tiled.ts';
import { depthwiseRows } from './software/depthwise_rows.ts';
import { lanes, lanesPlain } from './software/lanes.ts';
import type { Target } from './target.ts';
import type { LayerGeometry, VariantChoice, VariantOption } from './variant.ts';

/**
 * Every kernel of convolutions and fully connected layers: one file, one line. Where a profile has no opinion, the first
 * that admits a layer computes it. Of every other layer, and of what is joined, there is one kernel: see lower.ts.
 */
export const LINEAR_KERNELS: readonly LinearKernel[] = [
  pointwise,
  depthwise,
  conv,
  convGrouped,
  convPairs,
  lanes,
  lanesPlain,
  depthwiseRows,
  pointwiseTiled,
];

const kernelOf = (variant: string): LinearKernel | undefined => LINEAR_KERNELS.find(({ name }) => name === variant);

function admitsLayer(kernel: LinearKernel, layer: LinearLayer, features: Features): true | string {
  if (!kernel.kinds.includes(layer.kind)) return `it is for ${kernel.kinds.join(', ')} layers`;
  return kernel.admits(layer, features);
}

function tileOf({ tiles }: LinearKernel, { tile }: VariantChoice): number {
  return tile !== undefined && tiles?.includes(tile) ? tile : (tiles?.[0] ?? 0);
}

interface Chosen {
  readonly kernel: LinearKernel;
  readonly tile: number;
  readonly place: LayerGeometry;
}

/**
 * The kernel that a profile forces, else the first one it wants that admits the layer, else the first that does.
 *
 * @throws UnsupportedModelError where the forced one cannot compute the layer
 */
export function chooseLinear(layer: LinearLayer, { preferences, features }: Target): Chosen {
  const place: LayerGeometry = { node: layer.node, kind: layer.kind, geometry: geometryKey(layer) };
  const forced = preferences.forced(place);
  if (forced) {
    const kernel = kernelOf(forced.variant);
    const refused = kernel ? admitsLayer(kernel, layer, features) : 'there is no such variant';
    const size = forced.tile === undefined || kernel?.tiles?.includes(forced.tile) || `it has no tile ${forced.tile}`;
    const reason = [refused, size].find((answer) => typeof answer === 'string');
    if (!kernel || reason)
      throw new UnsupportedModelError(
        `node '${layer.node}' (${layer.op}): variant '${forced.variant}' is asked for: ${reason}`,
      );
    return { kernel, tile: tileOf(kernel, forced), place };
  }
  const wanted = [
    ...preferences.wanted(place),
    ...LINEAR_KERNELS.map(({ name }): VariantChoice => ({ variant: name })),
  ];
  for (const choice of wanted) {
    const kernel = kernelOf(choice.variant);
    if (kernel && admitsLayer(kernel, layer, features) === true) return { kernel, tile: tileOf(kernel, choice), place };
  }
  throw new Error(`no kernel for node '${layer.node}'`); // the general kernels admit every layer between them
}

/** Every kernel for the layer's kind, and whether it may compute this layer. */
export function optionsFor(layer: LinearLayer, features: Features): VariantOption[] {
  return LINEAR_KERNELS.filter(({ kinds }) => kinds.includes(layer.kind)).map((kernel) => ({
    variant: kernel.name,
    tiles: kernel.tiles ?? [],
    admitted: admitsLayer(kernel, layer, features),
  }));
}

/** Layers without weights whose kernels hand their sums to `emit`, behind which an epilogue may stand. */
const EMITTING: readonly LayerKind[] = ['global_average_pool', 'average_pool', 'quantize'];

/** Is there a kernel for something joined? */
export function admits(joined: Joined, target: Target): boolean {
  const { core, epilogue } = joined;
  // of what has a tail several dispatches are made
  if (layersOf(joined).some((layer) => isLinear(layer) && layer.functions?.tail)) return false;
  if (core.kind === 'block') return tileOfBlock(core, target) !== undefined;
  // with one function for all channels
  if (core.kind === 'pooled_pointwise') return core.pool.functions.channels === 1;
  if (!epilogue) return true;
  if (epilogue.kind === 'scaled')
    return isLinear(core) && admitsScaled(core, epilogue, chooseLinear(core, target).kernel);
  return isLinear(core) || EMITTING.includes(core.kind);
}
