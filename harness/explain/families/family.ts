import { UnsupportedModelError } from '../../../src/errors.ts';
import type { ElementData, GraphNode } from '../../../src/graph/graph.ts';
import type { BoundEngine } from '../bound_engine.ts';
import { referenceRecipe, type Problem } from '../problem.ts';
import type { OwnQuantization } from '../ways/input_quantization.ts';

/** A layer of which a family of implementations is asked. */
export interface LayerQuestion {
  readonly node: GraphNode;
  readonly bound: BoundEngine;
  /** What it is computed from, by tensor name, NCHW. */
  readonly operands: ReadonlyMap<string, ElementData>;
  /** What the reference's engine computes from them. */
  readonly expected: ElementData;
  readonly theirs: ElementData;
  /** Quantizations that are not the model's: of the layer's input, or of its output where it quantizes the network's input. */
  readonly own: readonly OwnQuantization[];
}

export const unknownWays = (engine: string): UnsupportedModelError =>
  new UnsupportedModelError(`what the engine '${engine}' does in this layer is none of the ways that are known`);

/**
 * The first of several families whose reference is the engine: gives every value that it computes.
 *
 * @throws UnsupportedModelError where no combination of the known ways is what the engine does
 */
export function whereReferenceIs<T>(
  { expected, bound }: LayerQuestion,
  references: readonly T[],
  family: (reference: T) => Problem,
): Problem {
  for (const reference of references) {
    const problem = family(reference);
    const recipe = referenceRecipe(problem);
    const output = problem.output(recipe);
    if (
      problem
        .sums(recipe)
        .all()
        .every((sum, i) => output(sum, i) === expected[i])
    )
      return problem;
  }
  throw unknownWays(bound.engine.name);
}
