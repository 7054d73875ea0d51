import type { ElementData } from '../../src/graph/graph.ts';
import { referenceRecipe, type Problem, type Recipe } from './problem.ts';
import { drawSample } from './sample.ts';

/** Sets that are carried on at each size. */
const BEAM = 4;
/** The share of the rest that a deviation has to explain. */
const WORTH = 0.2;

/**
 * A set of deviations that leaves few values unexplained, where none explains all: grown one deviation at a time, judged
 * on elements drawn evenly. It is a hint, not a minimum. The reference's own recipe where nothing helps.
 */
export function nearest(problem: Problem, expected: ElementData, most: number): Recipe {
  const { even } = drawSample(expected, problem.theirs, problem.groupSize);
  const sums = new Map<string, Float64Array>();
  const unexplained = (recipe: Recipe): number => {
    const key = recipe.slice(0, problem.sumDimensions).join();
    let known = sums.get(key);
    if (!known) sums.set(key, (known = Float64Array.from(even, problem.sums(recipe).at)));
    const output = problem.output(recipe);
    let count = 0;
    for (const [i, element] of even.entries()) if (output(known[i]!, element) !== problem.theirs[element]) count++;
    return count;
  };
  const base = referenceRecipe(problem);
  let best = { recipe: base, rest: unexplained(base) };
  let beam = [best];
  for (let size = 1; size <= most; size++) {
    const grown = new Map<string, typeof best>();
    for (const { recipe } of beam)
      for (const [d, { choices, reference }] of problem.dimensions.entries())
        if (recipe[d] === reference)
          for (const [choice, { rare }] of choices.entries()) {
            const next = recipe.with(d, choice);
            if (choice !== reference && !rare && !grown.has(next.join()))
              grown.set(next.join(), { recipe: next, rest: unexplained(next) });
          }
    beam = [...grown.values()].sort((a, b) => a.rest - b.rest).slice(0, BEAM);
    // a further deviation has to explain something, or it is only fitted to what is left
    if (!beam[0] || beam[0].rest > best.rest * (1 - WORTH)) break;
    best = beam[0];
  }
  return best.recipe;
}
