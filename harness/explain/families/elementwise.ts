import { UnsupportedModelError } from '../../../src/errors.ts';
import type { ElementData } from '../../../src/graph/graph.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import { indexOf, referenceRecipe, type Choice, type Dimension, type Problem, type Recipe } from '../problem.ts';
import type { ClampChoice } from '../ways/clamp.ts';
import { ROUNDINGS, type RoundingChoice } from '../ways/rounding.ts';
import { ORDERS, type OrderChoice } from '../ways/zero_point_order.ts';

export function dimension<T extends Choice>(choices: readonly T[], reference = choices[0]!.id): Dimension<T> {
  return { choices, reference: indexOf(choices, reference) };
}

/** Rounding of values that no fixed-point multiplier made. */
export const PLAIN_ROUNDINGS: readonly RoundingChoice[] = ROUNDINGS.filter(({ id }) => !id.startsWith('double'));

/** The last steps of every operator, and how the reference does them. */
export interface Ending {
  readonly order: Dimension<OrderChoice>;
  readonly rounding: Dimension<RoundingChoice>;
  readonly clamp: Dimension<ClampChoice>;
}

export function ending(order: string, rounding: string, clamps: readonly ClampChoice[], clamp: string): Ending {
  return {
    order: dimension(ORDERS, order),
    rounding: dimension(PLAIN_ROUNDINGS, rounding),
    clamp: dimension(clamps, clamp),
  };
}

/** From a value in units of the output to the output, by the last three choices of a recipe. */
export function finish(
  { order, rounding, clamp }: Ending,
  recipe: Recipe,
  zeroPoint: number,
  float32: boolean,
): (value: number, before?: boolean) => number {
  const [o, r, c] = recipe.slice(-3) as [number, number, number];
  const round = rounding.choices[r]!.of(1);
  const limit = clamp.choices[c]!.of;
  const chosen = order.choices[o]!.before;
  return (value, before = chosen) => {
    if (!before) return limit(round(value) + zeroPoint);
    const moved = value + zeroPoint;
    return limit(round(float32 ? f32(moved) : moved));
  };
}

/** What a family is asked about: a layer's operands and outputs, NCHW. */
export interface ElementwiseQuestion {
  /** What the reference's engine computes from the operands. */
  readonly expected: ElementData;
  readonly theirs: ElementData;
}

/**
 * The first of several families whose reference is the engine: gives every value that it computes.
 *
 * @throws UnsupportedModelError where no combination of the known ways is what the engine does
 */
export function whereReferenceIs(expected: ElementData, families: readonly (() => Problem)[], engine: string): Problem {
  for (const create of families) {
    const problem = create();
    const recipe = referenceRecipe(problem);
    const sums = problem.sums(recipe).all();
    const output = problem.output(recipe);
    if (sums.every((sum, i) => output(sum, i) === expected[i])) return problem;
  }
  throw new UnsupportedModelError(`what the engine '${engine}' does in this layer is none of the ways that are known`);
}
