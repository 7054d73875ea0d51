import type { ElementData } from '../../src/graph/graph.ts';
import type { Cause } from './explanation.ts';
import { deviations, type Problem, type Recipe } from './problem.ts';

/** Every value of an implementation, clamped or not. */
export function valuesOf(problem: Problem, recipe: Recipe): Int32Array {
  const sums = problem.sums(recipe).all();
  const output = problem.output(recipe);
  return Int32Array.from(sums, output);
}

/** Deviations as causes, their elements not counted. */
export function describe(problem: Problem, recipe: Recipe): Cause[] {
  return deviations(problem, recipe).map((d) => {
    const { choices, reference, plain } = problem.dimensions[d]!;
    const theirs = choices[recipe[d]!]!;
    const referenceWay = choices[reference]!;
    // theirs is as the definition has it, so it is the reference that is not
    if (recipe[d] === plain)
      return {
        kind: referenceWay.kind,
        side: 'reference',
        way: referenceWay.id,
        detail: `${referenceWay.detail}; theirs: ${theirs.detail}`,
        elements: 0,
      };
    return {
      kind: theirs.kind,
      side: 'theirs',
      way: theirs.id,
      detail: `${theirs.detail}; the reference: ${referenceWay.detail}`,
      elements: 0,
    };
  });
}

/**
 * Deviations as causes. A cause accounts for the mismatches whose value changes when it alone is taken out of the set.
 *
 * @param expected what the reference computes
 */
export function attribute(problem: Problem, recipe: Recipe, expected: ElementData): Cause[] {
  const whole = valuesOf(problem, recipe);
  const found = deviations(problem, recipe);
  return describe(problem, recipe).map((cause, i) => {
    const d = found[i]!;
    const without = valuesOf(problem, recipe.with(d, problem.dimensions[d]!.reference));
    let elements = 0;
    for (let e = 0; e < whole.length; e++) if (problem.theirs[e] !== expected[e] && whole[e] !== without[e]) elements++;
    return { ...cause, elements };
  });
}
