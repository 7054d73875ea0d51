import type { GraphNode } from '../../src/graph/graph.ts';
import type { OpContext } from '../../src/layers/operator.ts';
import type { Pairs, SumOrder } from '../../src/engines/engine.ts';
import type { VectorArray } from './array.ts';

/** Where the window of a convolution or of a max-pool lies. A fully connected layer is one of 1 by 1 pixels. */
export interface Window {
  readonly kernel: readonly [height: number, width: number];
  readonly strides: readonly [y: number, x: number];
  readonly dilations: readonly [y: number, x: number];
  /** [top, left, bottom, right]. */
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
  /** What positions outside of the input hold: the input's zero point; of a max-pool the smallest value of the type. */
  readonly paddingValue: number;
}

export interface Accumulation {
  readonly mode: 'exact' | 'saturating-pairs' | 'wrapping-pairs';
  /** Of pairs: what lies outside of the input, and whether sums are rounded to float32: see `definition`. */
  readonly outside?: Pairs['outside'];
  readonly rounds?: boolean;
  /** For people: what is summed, and how it overflows. */
  readonly definition: string;
  /** Of all channels: every input, every partial sum, in any order. */
  readonly least: number;
  readonly most: number;
  /** Two's complement bits of the accumulator, and of a register that holds it before and after the bias is added. */
  readonly bits: number;
  readonly bitsWithBias: number;
  /** Of a layer with weights: of what is multiplied (see `definition`), and of the product; of pairs, w is as it is. */
  readonly widths?: { readonly input: number; readonly weight: number; readonly product: number };
}

export interface Requantization {
  /** 1 where all output channels have the same. */
  readonly channels: number;
  readonly exactChannels: number;
  readonly correction: 'none' | 'compare' | 'search';
  readonly clamp: readonly [least: number, most: number];
  /**
   * Two's complement bits that hold every intermediate, with any input: (accumulator + bias) * multiplier, that plus the
   * offset, and that shifted, before the clamp.
   */
  readonly widths: {
    readonly product: number;
    readonly scaled: number;
    readonly shifted: number;
    /** Of an engine that computes in fixed point: the product and what is added to it, and what the first shift leaves. */
    readonly fixedPoint?: { readonly product: number; readonly high: number };
  };
  /** For people: what was proved, and how. */
  readonly proof: string;
  /** Of an engine that computes in fixed point, for people: what it does with its own integers, which are in the arrays. */
  readonly fixedPoint?: string;
}

export interface AddLine {
  readonly multipliers: readonly [a: number, b: number];
  readonly offset: number;
  readonly shift: number;
  /** Of codes. */
  readonly clamp: readonly [least: number, most: number];
  /** Two's complement bits of the products, and of their sum with the offset. */
  readonly widths: { readonly products: readonly [a: number, b: number]; readonly sum: number };
}

export type LayerKind =
  | 'convolution'
  | 'pool'
  | 'max-pool'
  | 'average-pool'
  | 'average-pool-float'
  | 'add'
  | 'pair'
  | 'add-float'
  | 'quantize'
  | 'dequantize'
  | 'bytes'
  | 'softmax'
  | 'concat'
  | 'move'
  | 'copy';

/** One layer as an implementer needs it: everything but the values of its activations. */
export interface LayerVectors {
  /** The tensor that it computes. */
  readonly name: string;
  readonly node: string;
  readonly op: string;
  readonly kind: LayerKind;
  readonly inputs: readonly string[];
  /** For people, in integers unless they say float32. */
  readonly formulas: readonly string[];
  readonly window?: Window;
  readonly accumulation?: Accumulation;
  readonly requantization?: Requantization;
  readonly line?: AddLine;
  readonly softmax?: SoftmaxMethod;
  /** Of an average of float32 values: how they are summed, see its formulas. */
  readonly order?: SumOrder;
  /** Of a concat: the dimension along which inputs lie one behind the other. */
  readonly axis?: number;
  /** Of a move: what stands where nothing moves. */
  readonly fill?: number;
  readonly arrays: Readonly<Record<string, VectorArray>>;
}

/** How a softmax computes: see its formulas. */
export type SoftmaxMethod = 'float32' | 'fixed point' | 'table';

/** What each kind of layer says of itself. */
export type Details = Omit<LayerVectors, 'name' | 'node' | 'op' | 'inputs'>;

/** A node, and the most bits of a requantization multiplier. */
export interface Described {
  readonly node: GraphNode;
  readonly context: OpContext;
  readonly multiplierBits: number;
}
