import type { TensorInfo } from '../graph/graph.ts';
import { macsOf } from '../layers/linear/geometry.ts';
import { makesBytes, type Layer, type LinearKind } from '../layers/layer.ts';
import type { Features } from './features.ts';
import { outputStage, type OutputStage } from './requantization.ts';
import { isPadded, packOffsets, packScaling } from './offsets.ts';
import { stepOf, type Step } from './step.ts';
import type { Target } from './target.ts';
import type { LayerGeometry } from './variant.ts';

export type LinearLayer<K extends LinearKind = LinearKind> = Layer<K>;

/** What a kernel decides of a step; the input tensor is operand 0, and the output stage follows. */
export interface LoweredLinear extends Pick<
  Step,
  'kernel' | 'slots' | 'geometry' | 'overrides' | 'counts' | 'workgroups'
> {
  /** Operands after the input. */
  readonly operands: readonly (Int32Array | Uint32Array)[];
}

/** One way to compute a layer with weights: the layers it is for, and its data as the shader reads them. */
export interface LinearKernel {
  readonly name: string;
  readonly kinds: readonly LinearKind[];
  /** Its sizes, the default one first. Without: it has one size. */
  readonly tiles?: readonly number[];
  /** Does it pad with a zero point that is a tensor, and hand on the range of what a thread writes (the slots zero, seen)? */
  readonly dynamic?: boolean;
  /** Is it for adapters that compute on the processor? There it is wanted before others. */
  readonly software?: boolean;
  /** May it compute this layer on a device with these features? true, or the reason why not. */
  admits(layer: LinearLayer, features: Features): true | string;
  lower(layer: LinearLayer, target: Target, tile: number): LoweredLinear;
}

/** Only a kernel that adds pairs as the engine does may compute a layer in which that can be seen. */
export function hasExactSums({ accumulation, overflowingChannels }: LinearLayer): true | string {
  if (accumulation === 'exact') return true;
  return overflowingChannels > 0
    ? `pairs of products overflow in ${overflowingChannels} of its channels`
    : 'its sums are rounded to float32';
}

export const inputOf = ({ reads }: LinearLayer): TensorInfo => reads[0]!;

/** Sums that are the result. */
const INT32: Pick<OutputStage, 'overrides' | 'counts'> & Pick<Step, 'proof'> = { overrides: {}, counts: {} };

/** What becomes of the sums. */
function stageOf(layer: LinearLayer, { dynamic }: LinearKernel, { preferences }: Target) {
  if (makesBytes(layer)) return outputStage(layer, preferences);
  const { zero } = layer;
  const offset = !zero ? 'nothing' : dynamic || !isPadded(layer) ? 'by_channel' : 'by_place';
  const sums = offset === 'by_place' ? packOffsets(layer) : packScaling(layer);
  return {
    ...INT32,
    slots: { output: 'output/int32', offset: `offset/${offset}` },
    parameters: zero ? [{ tensor: zero.name }, sums] : [],
  };
}

/** What kernels that are `dynamic` have in their slots. */
export const dynamicSlots = ({ zero }: LinearLayer) => ({
  zero: zero ? 'software/zero/computed' : 'software/zero/known',
  seen: 'software/seen/nothing',
});

/** The layer by a kernel that was chosen for it. */
export function lowerLinear(
  layer: LinearLayer,
  { kernel, tile, place }: { kernel: LinearKernel; tile: number; place: LayerGeometry },
  target: Target,
): Step {
  const lowered = kernel.lower(layer, target, tile);
  const stage = stageOf(layer, kernel, target);
  return stepOf(layer, {
    ...lowered,
    slots: { ...stage.slots, ...lowered.slots },
    operands: [{ tensor: inputOf(layer).name }, ...lowered.operands.map((data) => ({ data }))],
    parameters: stage.parameters,
    overrides: { ...stage.overrides, ...lowered.overrides },
    counts: { ...stage.counts, ...lowered.counts },
    macs: macsOf(layer),
    accumulates: makesBytes(layer),
    variant: { ...place, variant: kernel.name, ...(kernel.tiles ? { tile } : {}) },
    ...(stage.proof && { proof: stage.proof }),
    ...(layer.overflowingChannels > 0 ? { overflowingChannels: layer.overflowingChannels } : {}),
  });
}
