import type { GraphNode } from '../../../graph/graph.ts';
import type { AccumulatorRange } from '../../../requantize/boundaries.ts';
import type { Features } from '../../features.ts';
import type { Step } from '../../step.ts';
import type { Linear } from '../linear.ts';

/** What a layer is to the variants: each lists the kinds that it is for. */
export type LinearKind = 'pointwise' | 'conv' | 'depthwise' | 'grouped' | 'gemm';

/** A layer to be computed, and what is known of it. */
export interface LinearTask {
  readonly node: GraphNode;
  readonly linear: Linear;
  readonly kind: LinearKind;
  /** The sums that its inputs can reach, the bias not included. */
  readonly range: AccumulatorRange;
  /** Output channels in which a pair of products can leave int16, where the engine saturates pairs. */
  readonly saturatingChannels: number;
}

/** What a variant decides of a step; the input tensor is operand 0, and the output stage follows. */
export interface LoweredLinear extends Pick<
  Step,
  'kernel' | 'slots' | 'geometry' | 'overrides' | 'counts' | 'workgroups'
> {
  /** Operands after the input. */
  readonly operands: readonly (Int32Array | Uint32Array)[];
}

/** One way to compute a layer: a kernel, the layers it is for, and its data as the kernel reads them. */
export interface LinearVariant {
  readonly name: string;
  readonly kinds: readonly LinearKind[];
  /** Sizes it comes in, the default one first; absent: there is but one. */
  readonly tiles?: readonly number[];
  /** May it compute this layer on a device with these features? true, or the reason why not. */
  admits(task: LinearTask, features: Features): true | string;
  lower(task: LinearTask, features: Features, tile: number): LoweredLinear;
}
