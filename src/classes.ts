import { InvalidInputError } from './errors.ts';
import { elementCount } from './graph/graph.ts';
import { isRecord, kindOf, listOf } from './kind_of.ts';

export interface RankedClass {
  readonly index: number;
  readonly label: string;
  /** The model's own output: a logit. */
  readonly score: number;
  /** Softmax of the scores, for people: not part of what is equal bit for bit. */
  readonly probability: number;
}

/** Is an output of this shape one score a class, for one picture? */
export function isClassList(dims: readonly number[]): boolean {
  const elements = elementCount(dims);
  return elements > 0 && Math.max(...dims) === elements;
}

/**
 * The classes with the highest scores, of an output [1, classes].
 *
 * @throws InvalidInputError where the output is no list of classes, or the labels are not as many.
 */
export function rankClasses(
  output: { readonly dims: readonly number[]; readonly data: ArrayLike<number | bigint> },
  labels: readonly string[] | undefined,
  top: number,
): RankedClass[] {
  const { dims, data } = isRecord(output) ? output : {};
  if (!Array.isArray(dims) || !(Array.isArray(data) || ArrayBuffer.isView(data)))
    throw new InvalidInputError(`classes are those of an output; got ${kindOf(output)}`);
  const scores = Array.from(data as unknown as ArrayLike<number | bigint>, Number);
  if (!isClassList(dims as number[]) || scores.length !== elementCount(dims as number[]))
    throw new InvalidInputError(`an output of ${listOf(dims)} does not classify one picture`);
  if (labels !== undefined && !Array.isArray(labels))
    throw new InvalidInputError(`labels are a list of texts; got ${kindOf(labels)}`);
  if (labels && labels.length !== scores.length)
    throw new InvalidInputError(`there are ${labels.length} labels for ${scores.length} classes`);
  if (!Number.isInteger(top) || top < 0)
    throw new InvalidInputError(`how many classes is a number; got ${kindOf(top)}`);
  const highest = scores.reduce((a, b) => Math.max(a, b));
  const weights = scores.map((score) => Math.exp(score - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return scores
    .map((score, index) => ({
      index,
      label: labels?.[index] ?? `class ${index}`,
      score,
      probability: weights[index]! / total,
    }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, top);
}
