import {
  byteRange,
  DYNAMIC,
  elementCount,
  isByteType,
  newElementData,
  type TensorInfo,
} from '../../src/graph/graph.ts';
import { InvalidInputError } from '../../src/errors.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { Random } from '../../models/random.ts';
import { Tensor } from '../../src/tensor.ts';
import type { Feeds } from './feeds.ts';

/** A value for each element of an input, from [lowest, highest], the range that its quantization can tell apart. */
type Fill = (index: number, lowest: number, highest: number, shape: readonly number[]) => number;

/**
 * Uniformly distributed inputs, the same for the same seed: one generator for all inputs in order.
 * 8-bit inputs take every value; float inputs lie in the range of the QuantizeLinear behind them.
 */
export function randomFeeds(plan: Plan, seed: number): Feeds {
  const random = new Random(seed);
  const fill: Fill = (_, lowest, highest) => lowest + (highest - lowest) * random.unit();
  return fillInputs(plan, fill, (_, lowest, highest) => lowest + Math.floor((highest - lowest + 1) * random.unit()));
}

/** The inputs that saturate most: all lowest, all highest, and both checkerboards of the two. */
export function extremeFeeds(plan: Plan): readonly { readonly name: string; readonly feeds: Feeds }[] {
  const fills: readonly [string, Fill][] = [
    ['lowest', (_, lowest) => lowest],
    ['highest', (_i, _lowest, highest) => highest],
    ['checkerboard', (i, lowest, highest, shape) => (isOdd(i, shape) ? highest : lowest)],
    ['inverse checkerboard', (i, lowest, highest, shape) => (isOdd(i, shape) ? lowest : highest)],
  ];
  return fills.map(([name, fill]) => ({ name, feeds: fillInputs(plan, fill, fill) }));
}

/** Is this square of the checkerboard over rows and columns a dark one? */
function isOdd(index: number, shape: readonly number[]): boolean {
  const columns = shape.at(-1) ?? 1;
  const rows = shape.at(-2) ?? 1;
  return ((index % columns) + (Math.floor(index / columns) % rows)) % 2 === 1;
}

function fillInputs(plan: Plan, fillFloat: Fill, fillInteger: Fill): Feeds {
  return Object.fromEntries(
    plan.graph.inputs.map((input) => {
      const [lowest, highest] = reachableRange(plan, input);
      const fill = input.type === 'float32' ? fillFloat : fillInteger;
      const shape = input.shape.map((dimension) => (dimension === DYNAMIC ? 1 : dimension));
      const data = newElementData(input.type, elementCount(shape));
      for (let i = 0; i < data.length; i++) data[i] = fill(i, lowest, highest, shape);
      return [input.name, new Tensor(input.type, data, shape)];
    }),
  );
}

/** Of pictures less their mean, in units of their deviation. */
const NORMALIZED = [-2.5, 2.5] as const;

/**
 * All values of an 8-bit input; for a float input what the QuantizeLinear that reads it does not clamp, and where there is
 * none, what a picture usually has.
 */
function reachableRange({ graph }: Plan, input: TensorInfo): readonly [number, number] {
  if (isByteType(input.type)) return byteRange(input.type);
  const readers = graph.nodes.filter(({ inputs }) => inputs[0] === input.name);
  const quantized = readers.map(({ outputs }) => graph.tensors.get(outputs[0]!)!).find(({ type }) => isByteType(type));
  if (input.type !== 'float32')
    throw new InvalidInputError(
      `no range is known for the input ${input.name} (${input.type}): give it with --input instead`,
    );
  if (!quantized?.quantization || !isByteType(quantized.type)) return NORMALIZED;
  const { scale, zeroPoint } = quantized.quantization;
  const real = (q: number): number => Math.fround(scale[0]! * (q - zeroPoint[0]!));
  const [lowest, highest] = byteRange(quantized.type);
  return [real(lowest), real(highest)];
}
