import type { ElementData } from '../../src/graph/graph.ts';
import { deviations, referenceRecipe, type Problem, type Recipe } from './problem.ts';
import { drawSample, type Sample } from './sample.ts';

/** What a search found. */
interface SearchResult {
  /** The smallest sets that reproduce every value, the likeliest first; none where there is none of a size searched. */
  readonly exact: readonly Recipe[];
  /** Every set of up to this many deviations was tried. */
  readonly searched: number;
}

export interface SearchLimits {
  /** The largest set. */
  readonly most: number;
  /** Implementations tried, roughly. */
  readonly tries: number;
  /** Multiplications of all accumulators that are computed for it, roughly. */
  readonly products: number;
}

/** Sets of more deviations than this are only tried where outputs are non-decreasing in the sums. */
const MOST_WRAPPING = 3;
/** Sets of more deviations than this have no rare ones. */
const MOST_RARE = 3;
const MOST_FOUND = 64;
/** Accumulators of whole layers that are kept. */
const KEPT = 8;

/**
 * The smallest sets of deviations from the reference that reproduce `theirs` exactly, by increasing size: every set of
 * a size is tried before any larger one.
 *
 * Nearly all sets fail at the first elements of a sample, so that all can be tried. What they have in common prunes: as
 * long as no step wraps around, an output is a non-decreasing function of the accumulator within a channel, whatever
 * bias, scale, rounding and clamp are. Ways to accumulate that contradict it are dropped without trying the rest. A set
 * that passes the sample is checked on every element; an element that refutes it joins the sample.
 *
 * @param expected what the reference computes
 */
export function search(problem: Problem, expected: ElementData, limits: SearchLimits): SearchResult {
  return new Search(problem, expected, limits).run();
}

class Search {
  readonly #problem: Problem;
  readonly #limits: SearchLimits;
  readonly #base: Recipe;
  readonly #sample: Sample;
  readonly #sumSets: Recipe[][] = [];
  readonly #outputSets: Recipe[][] = [];
  readonly #usualOutputSets: Recipe[][] = [];
  readonly #viable = new Map<string, boolean>();
  readonly #sampled = new Map<string, { at: (element: number) => number; known: Map<number, number> }>();
  readonly #whole = new Map<string, Float64Array>();
  #tries = 0;
  #products = 0;

  constructor(problem: Problem, expected: ElementData, limits: SearchLimits) {
    this.#problem = problem;
    this.#limits = limits;
    this.#base = referenceRecipe(problem);
    this.#sample = drawSample(expected, problem.theirs, problem.groupSize);
  }

  run(): SearchResult {
    for (let size = 0; size <= this.#limits.most; size++) {
      const found = this.#ofSize(size);
      if (found === undefined) return { exact: [], searched: size - 1 };
      if (found.length > 0) return { exact: this.#likeliestFirst(found), searched: size };
    }
    return { exact: [], searched: this.#limits.most };
  }

  /** Every exact set of a size; undefined where trying them all would take too long. */
  #ofSize(size: number): Recipe[] | undefined {
    const { sumDimensions, dimensions } = this.#problem;
    const found: Recipe[] = [];
    const outputSets = size > MOST_RARE ? this.#usualOutputSets : this.#outputSets;
    for (let sums = 0; sums <= Math.min(size, sumDimensions); sums++)
      for (const first of this.#sets(this.#sumSets, sums, 0, sumDimensions)) {
        if (this.#products > this.#limits.products) return undefined;
        const isViable = this.#isViable(first);
        if (!isViable && size > MOST_WRAPPING) continue;
        for (const member of this.#members(first))
          for (const second of this.#sets(outputSets, size - sums, sumDimensions, dimensions.length)) {
            if (!isViable && !this.#wraps(second)) continue;
            if (++this.#tries > this.#limits.tries) return undefined;
            const recipe = [...member.slice(0, sumDimensions), ...second.slice(sumDimensions)];
            if (!this.#passesSample(recipe) || !this.#passesAll(recipe)) continue;
            found.push(recipe);
            if (found.length >= MOST_FOUND) return found;
          }
      }
    return found;
  }

  /** All recipes with the same accumulators as one. */
  #members(recipe: Recipe): Recipe[] {
    return recipe.reduce<Recipe[]>(
      (members, choice, d) => {
        const { choices, reference } = this.#problem.dimensions[d]!;
        const alike = choices.flatMap(({ sumsLike }, i) => (sumsLike === choices[choice]!.id ? [i] : []));
        return choice === reference || alike.length === 0
          ? members
          : members.flatMap((member) => [choice, ...alike].map((c) => member.with(d, c)));
      },
      [recipe],
    );
  }

  /** All recipes with `count` deviations in the dimensions [from, to). */
  #sets(cache: Recipe[][], count: number, from: number, to: number): readonly Recipe[] {
    if (cache[count]) return cache[count];
    const { dimensions } = this.#problem;
    const isUsual = cache === this.#usualOutputSets;
    const sets: Recipe[] = [];
    const extend = (recipe: Recipe, dimension: number, left: number): void => {
      if (left === 0) return void sets.push(recipe);
      for (let d = dimension; d <= to - left; d++)
        for (const [choice, { sumsLike, rare }] of dimensions[d]!.choices.entries())
          if (choice !== dimensions[d]!.reference && sumsLike === undefined && !(rare && isUsual))
            extend(recipe.with(d, choice), d + 1, left - 1);
    };
    extend(this.#base, from, count);
    cache[count] = sets;
    return sets;
  }

  #wraps(recipe: Recipe): boolean {
    return recipe.some((choice, d) => this.#problem.dimensions[d]!.choices[choice]!.wraps);
  }

  #sumKey(recipe: Recipe): string {
    const { dimensions, sumDimensions } = this.#problem;
    let key = '';
    for (let d = 0; d < sumDimensions; d++) {
      const { sumsLike } = dimensions[d]!.choices[recipe[d]!]!;
      key += `${sumsLike ?? dimensions[d]!.choices[recipe[d]!]!.id} `;
    }
    return key;
  }

  /** Accumulators of single elements, kept. */
  #sumAt(recipe: Recipe, element: number): number {
    const key = this.#sumKey(recipe);
    let sampled = this.#sampled.get(key);
    if (!sampled) this.#sampled.set(key, (sampled = { at: this.#problem.sums(recipe).at, known: new Map() }));
    let sum = sampled.known.get(element);
    if (sum === undefined) {
      this.#products += this.#problem.products;
      sampled.known.set(element, (sum = sampled.at(element)));
    }
    return sum;
  }

  /** Is their output a non-decreasing function of these accumulators, in every channel of the sample? */
  #isViable(recipe: Recipe): boolean {
    const key = this.#sumKey(recipe);
    let result = this.#viable.get(key);
    if (result === undefined) this.#viable.set(key, (result = this.#findViable(recipe)));
    if (!result) this.#sampled.delete(key);
    return result;
  }

  #findViable(recipe: Recipe): boolean {
    const { theirs } = this.#problem;
    for (const group of this.#sample.groups) {
      const sums: number[] = [];
      for (const [i, element] of group.entries()) {
        const sum = this.#sumAt(recipe, element);
        const value = theirs[element]!;
        for (let j = 0; j < i; j++) {
          const other = theirs[group[j]!]!;
          if (value !== other && (value > other ? sum <= sums[j]! : sum >= sums[j]!)) return false;
        }
        sums.push(sum);
      }
    }
    return true;
  }

  #passesSample(recipe: Recipe): boolean {
    const { theirs } = this.#problem;
    const { elements } = this.#sample;
    const output = this.#problem.output(recipe);
    for (let i = 0; i < elements.length; i++) {
      const element = elements[i]!;
      if (output(this.#sumAt(recipe, element), element) === theirs[element]) continue;
      // what refuted one refutes others: forward with it
      if (i > 8) {
        elements.splice(i, 1);
        elements.splice(i >> 2, 0, element);
      }
      return false;
    }
    return true;
  }

  #passesAll(recipe: Recipe): boolean {
    const { theirs } = this.#problem;
    const key = this.#sumKey(recipe);
    let sums = this.#whole.get(key);
    if (!sums) {
      sums = this.#problem.sums(recipe).all();
      this.#products += this.#problem.products * theirs.length;
      this.#whole.set(key, sums);
      if (this.#whole.size > KEPT) this.#whole.delete(this.#whole.keys().next().value!);
    }
    const output = this.#problem.output(recipe);
    for (let i = 0; i < theirs.length; i++)
      if (output(sums[i]!, i) !== theirs[i]) {
        this.#sample.elements.splice(0, 0, i);
        return false;
      }
    return true;
  }

  /**
   * The commoner ways come first in their dimensions. What works as well when a step is done as the definition has it
   * is no evidence of another way.
   */
  #likeliestFirst(all: Recipe[]): Recipe[] {
    const keys = new Set(all.map((recipe) => recipe.join()));
    const found = all.filter((recipe) =>
      this.#problem.dimensions.every(
        ({ plain }, d) => plain === undefined || recipe[d] === plain || !keys.has(recipe.with(d, plain).join()),
      ),
    );
    const rank = (recipe: Recipe): number => deviations(this.#problem, recipe).reduce((sum, d) => sum + recipe[d]!, 0);
    return found.sort((a, b) => rank(a) - rank(b));
  }
}
