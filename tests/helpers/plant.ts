import type { ElementData } from '../../src/graph/graph.ts';
import type { Random } from '../../models/random.ts';
import { describe, valuesOf } from '../../harness/explain/attribute.ts';
import type { Cause } from '../../harness/explain/explanation.ts';
import { deviations, referenceRecipe, type Problem, type Recipe } from '../../harness/explain/problem.ts';

/** Deviations that were put into a layer, and what it computes with them. */
export interface Plant {
  readonly causes: readonly Cause[];
  readonly theirs: ElementData;
}

const MOST = 3;
/** Draws before a layer is given up. */
const DRAWS = 20;

/**
 * One, two or three deviations, drawn at random: first the kinds, so that each is as frequent, then how. Each of them
 * must change values that the others alone do not. Undefined where no such set was drawn.
 */
export function plant(problem: Problem, expected: ElementData, random: Random): Plant | undefined {
  for (let draw = 0; draw < DRAWS; draw++) {
    const recipe = drawRecipe(problem, random.integer(1, MOST), random);
    const values = recipe && valuesOf(problem, recipe);
    if (!recipe || !values || !differ(values, expected)) continue;
    const planted = deviations(problem, recipe);
    const everyCounts = planted.every((d) =>
      differ(values, valuesOf(problem, recipe.with(d, problem.dimensions[d]!.reference))),
    );
    if (!everyCounts) continue;
    const theirs = expected instanceof Uint8Array ? Uint8Array.from(values) : Int8Array.from(values);
    return { causes: describe(problem, recipe), theirs };
  }
  return undefined;
}

function differ(a: ArrayLike<number>, b: ArrayLike<number | bigint>): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return true;
  return false;
}

function drawRecipe(problem: Problem, count: number, random: Random): Recipe | undefined {
  const { dimensions } = problem;
  let recipe = referenceRecipe(problem);
  for (let i = 0; i < count; i++) {
    const free = dimensions.flatMap(({ choices, reference }, d) =>
      recipe[d] === reference
        ? choices.flatMap((choice, c) => (c === reference ? [] : [{ d, c, kind: choice.kind }]))
        : [],
    );
    const kinds = [...new Set(free.map(({ kind }) => kind))];
    if (kinds.length === 0) return undefined;
    const kind = random.pick(kinds);
    const { d, c } = random.pick(free.filter((option) => option.kind === kind));
    recipe = recipe.with(d, c);
  }
  return recipe;
}
