import type { ElementData } from '../../src/graph/graph.ts';
import type { CauseKind } from './explanation.ts';

/** One way to do one step of a layer. */
export interface Choice {
  /** Unique in its dimension, and the same in every layer that has it. */
  readonly id: string;
  readonly kind: CauseKind;
  /** For people, after "theirs:" or "the reference:". */
  readonly detail: string;
  /** With it an output is no longer a non-decreasing function of the accumulator. */
  readonly wraps?: true;
  /** One of many that are alike, and none of the usual ones: tried in small sets alone. */
  readonly rare?: true;
  /** The id of an earlier choice of the dimension that gives the same accumulators: what differs comes after them. */
  readonly sumsLike?: string;
}

/** Makes choices of a kind. */
export const waysOf =
  (kind: CauseKind) =>
  <const T extends object>(id: string, detail: string, does: T): Choice & T => ({ id, kind, detail, ...does });

/** A step of a layer, and all the ways to do it; the commoner ones first. */
export interface Dimension<T extends Choice = Choice> {
  readonly choices: readonly T[];
  /** The way of the reference's engine: an index into `choices`. */
  readonly reference: number;
  /** What the definition of the layer asks for, where the reference's own way may be another. */
  readonly plain?: number;
}

/** @param reference the id of the reference's way; without it the first */
export function dimension<T extends Choice>(choices: readonly T[], reference = choices[0]!.id): Dimension<T> {
  return { choices, reference: indexOf(choices, reference) };
}

/** An implementation: for each dimension an index into its choices. */
export type Recipe = readonly number[];

/** The accumulators of an implementation. */
export interface Sums {
  /** Of one element (NCHW index). */
  at(element: number): number;
  all(): Float64Array;
}

/**
 * A layer as a family of implementations. The first `sumDimensions` dimensions decide the accumulators, the others what
 * becomes of them.
 */
export interface Problem {
  readonly dimensions: readonly Dimension[];
  readonly sumDimensions: number;
  /** What the other implementation computed. */
  readonly theirs: ElementData;
  /**
   * Elements of one group share the function from accumulator to output, and unless a choice `wraps` it is
   * non-decreasing. Groups are ranges of this many elements.
   */
  readonly groupSize: number;
  /** Of one accumulator: how long it takes to compute. */
  readonly products: number;
  /** Only the choices of the first dimensions count. */
  sums(recipe: Recipe): Sums;
  /** From accumulator and element (NCHW index) to the output. */
  output(recipe: Recipe): (sum: number, element: number) => number;
}

type Dimensions = Readonly<Record<string, Dimension>>;

/** The way that is taken in each dimension. */
export type Ways<D extends Dimensions> = { readonly [K in keyof D]: D[K]['choices'][number] };

/** A problem, by the names of its dimensions: those that decide the accumulators, and the others. */
export function problemOf<S extends Dimensions, O extends Dimensions>(
  summing: S,
  finishing: O,
  layer: Pick<Problem, 'theirs' | 'groupSize' | 'products'> & {
    sums(ways: Ways<S>): Sums;
    output(ways: Ways<S & O>): (sum: number, element: number) => number;
  },
): Problem {
  const named = Object.entries<Dimension>({ ...summing, ...finishing });
  const waysOf = (recipe: Recipe): Ways<S & O> => {
    const ways: Record<string, Choice> = {};
    for (const [d, [name, { choices }]] of named.entries()) ways[name] = choices[recipe[d]!]!;
    return ways as Ways<S & O>;
  };
  return {
    ...layer,
    dimensions: named.map(([, dimension]) => dimension),
    sumDimensions: Object.keys(summing).length,
    sums: (recipe) => layer.sums(waysOf(recipe)),
    output: (recipe) => layer.output(waysOf(recipe)),
  };
}

export const referenceRecipe = ({ dimensions }: Pick<Problem, 'dimensions'>): Recipe =>
  dimensions.map(({ reference }) => reference);

/** The dimensions in which a recipe is not the reference's. */
export function deviations({ dimensions }: Pick<Problem, 'dimensions'>, recipe: Recipe): number[] {
  return recipe.flatMap((choice, i) => (choice === dimensions[i]!.reference ? [] : [i]));
}

/** The index of a choice, by its id. @throws RangeError where there is none */
export function indexOf(choices: readonly Choice[], id: string): number {
  const index = choices.findIndex((choice) => choice.id === id);
  if (index < 0) throw new RangeError(`no choice '${id}' among ${choices.map((choice) => choice.id).join(', ')}`);
  return index;
}
