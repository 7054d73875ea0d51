import { isByteType, type TensorInfo } from '../../graph/graph.ts';
import { packedBytes } from '../../layers/layout.ts';
import type { Step } from '../step.ts';
import { KERNELS } from '../interfaces.ts';
import { withOutput, type Specialization } from '../kernel.ts';

/** Lengths are multiples of it, so that small graphs share pipelines, too. */
export const UNIT = 8192;

const wordsOf = (info: TensorInfo): number => packedBytes(info) / 4;
const rounded = (words: number): number => Math.ceil(words / UNIT) * UNIT;

/**
 * How many words the arrays have that a kernel declares for its input and output, where it declares any number. An array
 * that is as long as its buffer asks the device for that length at each access, which takes divisions; the length of
 * another is a constant. There are two for all of a graph, so that layers share pipelines: that of the largest 8-bit
 * tensor, and that of the largest of at most half of it. Buffers are as large (boundBytes).
 */
export function lengths(tensors: Iterable<TensorInfo>): (info: TensorInfo, behind?: number) => number {
  const words = [...tensors].filter(({ type }) => isByteType(type)).map(wordsOf);
  const largest = words.reduce((most, one) => Math.max(most, one), 0);
  const small = words.filter((one) => one <= largest / 2).reduce((most, one) => Math.max(most, one), 0);
  // of floats those of the largest, and of at most a quarter of it
  const floats = 4 * largest;
  return (info, behind = 0) => {
    if (!isByteType(info.type)) {
      const words = wordsOf(info) + behind;
      return rounded(words <= floats / 4 ? floats / 4 : Math.max(words, floats + UNIT));
    }
    return rounded(wordsOf(info) <= small ? small : Math.max(largest, wordsOf(info)));
  };
}

/** Steps with the lengths that their kernels declare. */
export function withLengths(tensors: ReadonlyMap<string, TensorInfo>): (step: Step) => Step {
  const lengthOf = lengths(tensors.values());
  return (step) => {
    if (!KERNELS[step.kernel].counts.some((count) => count === 'INPUT_WORDS')) return step;
    const [input] = step.operands as [{ tensor: string }];
    const INPUT_WORDS = lengthOf(tensors.get(input.tensor)!);
    return {
      ...step,
      counts: {
        ...step.counts,
        INPUT_WORDS,
        OUTPUT_WORDS: lengthOf(step.temporary ?? tensors.get(step.output)!, (step.behind ?? 0) / 4),
      },
    };
  };
}

/** Bytes of a tensor that a step binds: as many as its kernel's array has, which may be more than the tensor's. */
export function boundBytes({ operands, output, counts, behind = 0 }: Step, tensor: TensorInfo): number {
  const [input] = operands;
  const isInput = input !== undefined && 'tensor' in input && input.tensor === tensor.name;
  const words = Math.max(
    isInput ? (counts['INPUT_WORDS'] ?? 0) : 0,
    output === tensor.name ? (counts['OUTPUT_WORDS'] ?? 0) : 0,
  );
  return Math.max(packedBytes(tensor) + (output === tensor.name ? behind : 0), 4 * words);
}

/** A step that leaves its sums as they are: a word a sum, in place of a code. */
export function summing(step: Step): Specialization {
  const sums = withOutput(step, 'output/accumulators');
  const { OUTPUT_WORDS: words } = sums.counts;
  return words === undefined ? sums : { ...sums, counts: { ...sums.counts, OUTPUT_WORDS: 4 * words } };
}

/** Bytes that it binds, of a tensor of so many groups of four channels. */
export function sumBytes({ counts }: Step, groups: number): number {
  return 16 * Math.max(groups, counts['OUTPUT_WORDS'] ?? 0);
}
