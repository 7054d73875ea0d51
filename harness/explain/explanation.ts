import type { ElementData, TensorInfo } from '../../src/graph/graph.ts';

/** The ways in which implementations go wrong. */
export type CauseKind =
  | 'input-quantization'
  | 'padding-value'
  | 'saturating-pairs'
  | 'wrapping-pairs'
  | 'accumulator-width'
  | 'bias'
  | 'scale'
  | 'rounding'
  | 'zero-point-order'
  | 'clamp'
  | 'weight-layout'
  | 'channel-order'
  | 'alignment'
  | 'signedness';

/** One deviation between the two implementations of a layer. */
export interface Cause {
  readonly kind: CauseKind;
  /** Who deviates from the layer's definition: a reference that saturates is itself the one. */
  readonly side: 'theirs' | 'reference';
  /** The name of the way that is taken in place of the definition's: the same in every layer. */
  readonly way: string;
  /** One line for people: what that side does, and what the definition has in its place. */
  readonly detail: string;
  /**
   * How many of the layer's own mismatches this cause accounts for: those that become equal, or change, when it alone
   * is taken out of the set. The elements of several causes may overlap, so that their sum is no total.
   */
  readonly elements: number;
}

/** How many outputs of a kind there are, and how many of them differ. */
export interface Count {
  readonly elements: number;
  readonly mismatches: number;
}

/** Where two tensors differ. */
export interface Where {
  /** Mismatches of every channel, in order. */
  readonly channels: readonly number[];
  /** Outputs whose window reaches into the padding; none in layers without any. */
  readonly border: Count;
  readonly interior: Count;
  /** theirs - reference, in increasing order, without 0; of 8-bit tensors. */
  readonly differences: readonly { readonly difference: number; readonly elements: number }[];
  /** Elements with |theirs - reference| = 1. */
  readonly offByOne: number;
}

/** What is known of one layer, as --json prints it. */
export interface LayerExplanation {
  /** The tensor that the layer computes. */
  readonly name: string;
  /** The node that computes it, and its operator. */
  readonly node: string;
  readonly op: string;
  /** NCHW. */
  readonly shape: readonly number[];
  /** The engine that stands for the reference in this layer. */
  readonly engine: string;
  /** The engine whose arithmetic theirs follows, where that is not the reference's: `engine` then. */
  readonly follows?: string;
  /**
   * Whose inputs the layer is explained from; 'same' where both have the same; 'engine': what the engine that theirs follows
   * computes from the network's inputs.
   */
  readonly inputs: 'same' | 'theirs' | 'reference' | 'engine';
  /** Where both were tried: how many values are not what the engine computes from the inputs of each. */
  readonly differing?: { readonly theirs?: number; readonly reference?: number };
  /**
   * 'own': theirs is not what the engine computes from these inputs; 'inherited': it is, and their inputs differ;
   * 'reference': it is, and it is the reference that is not.
   */
  readonly origin: 'own' | 'inherited' | 'reference';
  readonly elements: number;
  /** Elements in which their tensor differs from the reference's, end to end. */
  readonly mismatches: number;
  readonly maxAbsDiff: number;
  /** Of these, the elements in which theirs is not what the reference's engine computes from the inputs. */
  readonly ownMismatches: number;
  readonly ownMaxAbsDiff: number;
  /** Of the mismatches end to end. */
  readonly where: Where;
  /** Of the layer's own mismatches. */
  readonly ownWhere: Where;
  /** The smallest set of deviations that reproduces their values, or the nearest; empty where the origin is not 'own'. */
  readonly causes: readonly Cause[];
  /** Other sets, as small, that reproduce their values as well. */
  readonly alternatives: readonly (readonly Cause[])[];
  /** Do the causes reproduce every value? True where the origin is not 'own': there is nothing left to explain. */
  readonly exact: boolean;
  /** Elements that the causes do not reproduce. */
  readonly unexplained: number;
  /** Exact, every alternative is of the same kinds, and the engine is known: it reproduces all that the reference has. */
  readonly certain: boolean;
  /** What else there is to say: whose inputs were used, what the rest looks like. */
  readonly notes: readonly string[];
}

/** A layer, its explanation and the values that it is about: what pictures and a closer look need. */
export interface ExplainedLayer {
  readonly explanation: LayerExplanation;
  readonly info: TensorInfo;
  /** The reference's tensor, theirs, and what the reference's engine computes from `operands`; NCHW. */
  readonly reference: ElementData;
  readonly theirs: ElementData;
  readonly expected: ElementData;
  /** As expected, but theirs where that equals the reference: what differs from it is the layer's own. */
  readonly own: ElementData;
  /** The layer's operands that `expected` was computed from, by tensor name. */
  readonly operands: ReadonlyMap<string, ElementData>;
  /** Their implementation's value at an element (NCHW index), as far as the causes reproduce it. */
  readonly reproduced?: (element: number) => number;
}
