import type Fraction from 'fraction.js';
import type { ElementData } from '../../../src/graph/graph.ts';
import { BLANK } from '../../../src/engines/pairs.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import { narrow, pairOffset } from '../../../src/layers/linear/reference.ts';
import type { Engine, LinearLayer, Pairs, StepFunctions, TensorQuantization } from '../../../src/engines/engine.ts';
import { describePairing } from '../pairing.ts';
import type { Bias, Pair, Reach, Scale, Sum, SumKind, Term } from './analysis.ts';
import { float32, type Float32 } from './exact.ts';
import { underEveryEngine, type Details, type Question } from './question.ts';
import { requantizedSum } from './requantized.ts';

/** An input and the weight that it is multiplied with. */
export interface Tap extends Pick<Term, 'at' | 'padding' | 'weight'> {
  /** NCHW index of the input; undefined in the padding. */
  readonly from?: number;
}

interface ZeroPoints {
  readonly input: number;
  readonly weight: number;
}

/** A layer whose products are added in pairs. */
interface Paired {
  readonly layer: LinearLayer;
  readonly pairs: Pairs;
}

type Summation = 'exact' | Paired;

const kindOf = (summation: Summation): SumKind =>
  summation === 'exact' ? 'exact' : summation.pairs.overflow === 'wraps' ? 'wrapping-pairs' : 'saturating-pairs';

/** An element that is a function of a sum of products. */
export interface Summed {
  readonly taps: readonly Tap[];
  readonly zero: ZeroPoints;
  readonly output: TensorQuantization;
  readonly scale: Scale;
  /** What a unit of the accumulator is in units of the output. */
  readonly ratio: Fraction;
  /** With what it is in units of the output. */
  readonly bias?: { readonly bias: Bias; readonly value: Fraction };
  /** The accumulators that inputs can reach. */
  readonly range: readonly [least: number, most: number];
  accumulation(engine: Engine): Summation;
  functions(engine: Engine): StepFunctions;
}

export function summedElement(question: Question, summed: Summed): Details {
  const { gives, sides, context } = question;
  const { taps, zero, output, scale, ratio, bias, range } = summed;
  const operand = question.operand(0);
  const sum = sumOf(taps, operand, zero, summed.accumulation(context.engine));
  const functions = summed.functions(context.engine);
  /** All channels may share one. */
  const ofElement = (all: StepFunctions) => all.at(all.channels === 1 ? 0 : question.at.c);
  const f = ofElement(functions);
  const stage = { zeroPoint: output.zeroPoint, clamp: [functions.min, functions.max] as const, gives };
  const requantize = (accumulator: number, accumulation: SumKind) => {
    const exact = ratio.mul(accumulator).add(bias?.value ?? 0);
    return requantizedSum(stage, { accumulator, accumulation }, exact, bias?.bias.int32 ?? 0, scale);
  };
  const accumulatorOf = (engine: Engine, values: ElementData): number => {
    const accumulation = summed.accumulation(engine);
    return accumulation === 'exact'
      ? exactAccumulator(taps, values, zero)
      : rawPairs(taps, values, zero, accumulation).accumulator;
  };
  const differing = sum.terms.filter(({ referenceInput }) => referenceInput !== undefined).length;
  const other = differing > 0 ? accumulatorOf(context.engine, operand.reference!) : undefined;
  return {
    computed: f(sum.accumulator),
    output: { type: output.type, zeroPoint: stage.zeroPoint, clamp: stage.clamp },
    sum,
    ...(bias && { bias: bias.bias }),
    scale,
    requantized: [
      requantize(sum.accumulator, sum.accumulation),
      ...(sum.exactAccumulator === sum.accumulator ? [] : [requantize(sum.exactAccumulator, 'exact')]),
    ],
    engines: underEveryEngine(question, (engine) => {
      const accumulator = accumulatorOf(engine, operand.values);
      return { value: ofElement(summed.functions(engine))(accumulator), accumulator };
    }),
    reach: sides.flatMap(([side, value]) => reachOf(f, value, side, range)),
    ...(other !== undefined && { fromReferenceOperands: { differing, accumulator: other, value: f(other) } }),
  };
}

/** Two ways to the same float32 are one way. */
export function distinct(ways: readonly (readonly [value: number, how: string])[]): Float32[] {
  const found = new Map<number, string>();
  for (const [value, how] of ways) found.set(value, found.has(value) ? `${found.get(value)} and ${how}` : how);
  return [...found].map(([value, how]) => float32(value, how));
}

/** The accumulators for which a non-decreasing function gives a value. */
function reachOf(
  f: (accumulator: number) => number,
  value: number,
  of: Reach['of'],
  [least, most]: readonly [number, number],
): Reach[] {
  const first = (wanted: number): number => {
    let [low, high] = [least, most + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (f(middle) >= wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const [from, end] = [first(value), first(value + 1)];
  if (from === end) return [];
  return [{ value, of, from: from === least ? null : from, to: end === most + 1 ? null : end - 1 }];
}

const valueAt = (values: ElementData, { from }: Tap, zeroPoint: number): number =>
  from === undefined ? zeroPoint : Number(values[from]);

function exactAccumulator(taps: readonly Tap[], x: ElementData, zero: ZeroPoints): number {
  return taps.reduce((sum, tap) => sum + (valueAt(x, tap, zero.input) - zero.input) * (tap.weight - zero.weight), 0);
}

type Product = Pick<Term, 'product' | 'accumulator'>;

/** Products in the order of their slots, pairs added in 16 bits, and the input's zero point taken out at the end. */
function rawPairs(taps: readonly Tap[], x: ElementData, zero: ZeroPoints, { layer, pairs: own }: Paired) {
  const { slots, overflow, outside, rounds } = own;
  const offset = pairOffset(layer, overflow);
  const isAbsent = ({ padding }: Tap): boolean => padding && outside === 'nothing';
  const ordered: Tap[] = [];
  const terms: Product[] = [];
  const pairs: Pair[] = [];
  let sum = 0;
  for (let slot = 0; slot < slots.length; slot += 2) {
    const both = [...slots.subarray(slot, slot + 2)].filter((product) => product !== BLANK).map((k) => taps[k]!);
    const products = both.map((tap) => (isAbsent(tap) ? 0 : (valueAt(x, tap, zero.input) - offset) * tap.weight));
    const exact = products.reduce((total, product) => total + product, 0);
    const int16 = narrow(exact, overflow);
    if (both.length > 0) pairs.push({ term: terms.length, exact, int16 });
    for (const [i, product] of products.entries())
      terms.push({ product, accumulator: i === both.length - 1 ? sum + int16 : sum });
    ordered.push(...both);
    sum += int16;
  }
  const zeros = (zero.input - offset) * taps.reduce((all, tap) => all + (isAbsent(tap) ? 0 : tap.weight), 0);
  // what zero points of weights take off is added in int32
  const inputs = taps.reduce((all, tap) => all + valueAt(x, tap, zero.input) - zero.input, 0);
  const accumulator = (rounds ? f32(sum) - f32(zeros) : sum - zeros) - zero.weight * inputs;
  return { ordered, terms, pairs, correction: accumulator - sum, accumulator };
}

function centredProducts(taps: readonly Tap[], x: ElementData, zero: ZeroPoints): Product[] {
  let accumulator = 0;
  return taps.map((tap) => {
    const product = (valueAt(x, tap, zero.input) - zero.input) * (tap.weight - zero.weight);
    accumulator += product;
    return { product, accumulator };
  });
}

/** Every product, as the engine adds them. */
function sumOf(
  taps: readonly Tap[],
  { values, reference }: ReturnType<Question['operand']>,
  zero: ZeroPoints,
  accumulation: Summation,
): Sum {
  const raw = accumulation === 'exact' ? undefined : rawPairs(taps, values, zero, accumulation);
  const products = raw?.terms ?? centredProducts(taps, values, zero);
  const terms = (raw?.ordered ?? taps).map((tap, k): Term => {
    const input = valueAt(values, tap, zero.input);
    const other = reference && valueAt(reference, tap, zero.input);
    const { at, padding, weight } = tap;
    return {
      at,
      padding,
      input,
      ...(other === undefined || other === input ? {} : { referenceInput: other }),
      weight,
      ...products[k]!,
    };
  });
  return {
    accumulation: kindOf(accumulation),
    inputZeroPoint: zero.input,
    weightZeroPoint: zero.weight,
    terms,
    ...(accumulation !== 'exact' && { pairing: describePairing(accumulation.layer, accumulation.pairs) }),
    ...(raw && { pairs: raw.pairs }),
    correction: raw?.correction ?? 0,
    accumulator: raw?.accumulator ?? products.at(-1)?.accumulator ?? 0,
    exactAccumulator: exactAccumulator(taps, values, zero),
  };
}
