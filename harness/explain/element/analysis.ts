import type { Exact, FixedPoint, FixedPointRounding, Float32, Rounded, Rounding } from './exact.ts';

/** Whose value a result is. */
export type Side = 'theirs' | 'reference';

/** How products become a sum. */
export type SumKind = 'exact' | 'saturating-pairs' | 'wrapping-pairs';

/** One product of a sum. */
export interface Term {
  /** Input channel, and the pixel: outside of the input where `padding` says so. */
  readonly at: readonly [channel: number, row: number, column: number];
  readonly padding: boolean;
  /** As stored; the input's zero point in the padding. */
  readonly input: number;
  /** The reference's input, where it is another one. */
  readonly referenceInput?: number;
  /** As stored; 1 where an average is taken. */
  readonly weight: number;
  /** (input - zero point) * (weight - zero point); input * weight in pairs, (input - offset) * weight where they wrap. */
  readonly product: number;
  /** The sum so far. In pairs it changes with the second product. */
  readonly accumulator: number;
}

/** Two products that are added in 16 bits, or one alone. */
export interface Pair {
  /** Of its first product. */
  readonly term: number;
  readonly exact: number;
  /** What int16 has of it. */
  readonly int16: number;
}

export interface Sum {
  readonly accumulation: SumKind;
  readonly inputZeroPoint: number;
  readonly weightZeroPoint: number;
  /** In the order kernel row, kernel column, channel of the group, or of the engine's pairs; an average's row by row. */
  readonly terms: readonly Term[];
  /** Which products are pairs, for people. */
  readonly pairing?: string;
  readonly pairs?: readonly Pair[];
  /** What is added behind the products of pairs: -inputZeroPoint * sum(weight), where padding takes part; 0 otherwise. */
  readonly correction: number;
  /** What the engine has at the end, the bias not included. */
  readonly accumulator: number;
  /** What it is where nothing overflows. */
  readonly exactAccumulator: number;
}

export interface Bias {
  /** As the file has it. */
  readonly stored: { readonly type: 'int32'; readonly value: number } | ({ readonly type: 'float32' } & Float32);
  /** bias / (sx * sw), not rounded. */
  readonly accumulatorUnits: Exact;
  /** That, rounded in float32 and then to an integer, ties to even. */
  readonly int32: number;
}

export interface Scale {
  /** Of the input, of the channel's weights, of the output. */
  readonly input: Float32;
  readonly weight?: Float32;
  readonly output: Float32;
  /** What a unit of the accumulator is in units of the output. */
  readonly exact: Exact;
  /** The ways of engines to round it to float32, where they give different numbers. */
  readonly float32: readonly Float32[];
  readonly fixedPoint: FixedPoint;
}

/** What one way of rounding gives. */
export interface RoundedResult {
  readonly rounding: Rounding | FixedPointRounding;
  /** What is rounded: the exact value, the float32 product, or the integer bias and sum in fixed point. */
  readonly of: 'exact' | 'float32' | 'fixed-point';
  /** Which of `scale.float32` the float32 product is of. */
  readonly scale?: number;
  /** Added behind the rounding, or before it. */
  readonly zeroPoint: 'after' | 'before';
  /** Clamped to what the layer can give. */
  readonly value: number;
  readonly gives: readonly Side[];
}

/** From a sum to the output, in every way. */
export interface Requantized {
  /** undefined where the operator has no sum of products. */
  readonly accumulator?: number;
  readonly accumulation?: SumKind;
  /** In units of the output, nothing rounded, the zero point not added. */
  readonly exact: Rounded;
  /** (accumulator + int32 bias) * each of `scale.float32`: exact, and as one float32 multiplication rounds it. */
  readonly products: readonly (Rounded & { readonly float32: Float32 })[];
  readonly results: readonly RoundedResult[];
}

export interface EngineResult {
  readonly engine: string;
  readonly value?: number;
  readonly accumulator?: number;
  /** Why the engine cannot run the layer. */
  readonly unsupported?: string;
  readonly gives: readonly Side[];
}

/** The accumulators for which the engine gives a value; null at an end that the clamp leaves open. */
export interface Reach {
  readonly value: number;
  readonly of: Side;
  readonly from: number | null;
  readonly to: number | null;
}

/** An operand of an operator without a sum of products. */
export interface Operand {
  readonly tensor: string;
  readonly value: number;
  readonly referenceValue?: number;
  readonly scale?: Float32;
  readonly zeroPoint?: number;
  /** scale * (value - zero point), or the float32 itself; undefined for infinities. */
  readonly real?: Exact;
}

/** Everything there is to say of one element of one layer. */
export interface ElementAnalysis {
  readonly tensor: string;
  readonly node: string;
  readonly op: string;
  /** As many numbers as the tensor has dimensions, NCHW. */
  readonly index: readonly number[];
  /** The engine that stands for the reference. */
  readonly engine: string;
  readonly theirs?: number;
  readonly reference?: number;
  /** What the causes that were found for the whole layer give here. */
  readonly explained?: number;
  /** What the engine gives from the operands shown here. */
  readonly computed: number;
  readonly output: {
    readonly type: string;
    readonly zeroPoint?: number;
    /** What the layer can give: the type's range, or the activation's. */
    readonly clamp?: readonly [least: number, most: number];
  };
  readonly sum?: Sum;
  readonly operands?: readonly Operand[];
  readonly bias?: Bias;
  readonly scale?: Scale;
  /** Of the engine's sum, and of the exact one where that is another. */
  readonly requantized: readonly Requantized[];
  readonly engines: readonly EngineResult[];
  readonly reach?: readonly Reach[];
  /** The engine's value from the reference's operands, where they differ from those shown. */
  readonly fromReferenceOperands?: {
    readonly differing: number;
    readonly accumulator?: number;
    readonly value: number;
  };
}
