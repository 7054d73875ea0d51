import type { ElementData } from '../../../src/graph/graph.ts';
import type { Linear } from '../../../src/layers/layer.ts';
import { BLANK } from '../../../src/engines/pairs.ts';
import { narrow, pairOffset } from '../../../src/layers/linear/reference.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import type { LinearLayer, Pairs } from '../../../src/engines/engine.ts';
import type { Pair, Sum, Term } from './analysis.ts';
import type { Question } from './question.ts';

/** An input and the weight that it is multiplied with. */
export interface Tap extends Pick<Term, 'at' | 'padding' | 'weight'> {
  /** NCHW index of the input; undefined in the padding. */
  readonly from?: number;
}

/** The taps of one output in the order kernel row, kernel column, channel of the group. */
export function windowTaps(linear: Linear, { n, c: output, y, x }: Question['at']): Tap[] {
  const { layer, input, weights, strides, dilations } = linear;
  const [kh, kw] = layer.kernel;
  const perGroup = layer.inputChannels / layer.groups;
  const firstChannel = Math.floor(output / (layer.outputChannels / layer.groups)) * perGroup;
  const taps: Tap[] = [];
  for (let ky = 0; ky < kh; ky++)
    for (let kx = 0; kx < kw; kx++) {
      const row = y * strides[0] - layer.pads[0] + ky * dilations[0];
      const column = x * strides[1] - layer.pads[1] + kx * dilations[1];
      const padding = row < 0 || row >= input.height || column < 0 || column >= input.width;
      for (let k = 0; k < perGroup; k++) {
        const channel = firstChannel + k;
        const weight = weights[((output * perGroup + k) * kh + ky) * kw + kx]!;
        const from = ((n * layer.inputChannels + channel) * input.height + row) * input.width + column;
        taps.push({ at: [channel, row, column], padding, weight, ...(padding ? {} : { from }) });
      }
    }
  return taps;
}

export interface ZeroPoints {
  readonly input: number;
  readonly weight: number;
}

const valueAt = (values: ElementData, { from }: Tap, zeroPoint: number): number =>
  from === undefined ? zeroPoint : Number(values[from]);

export function exactAccumulator(taps: readonly Tap[], x: ElementData, zero: ZeroPoints): number {
  return taps.reduce((sum, tap) => sum + (valueAt(x, tap, zero.input) - zero.input) * (tap.weight - zero.weight), 0);
}

export function pairedAccumulator(
  taps: readonly Tap[],
  x: ElementData,
  zero: ZeroPoints,
  layer: LinearLayer,
  pairs: Pairs,
): number {
  return rawPairs(taps, x, zero, layer, pairs).accumulator;
}

type Product = Pick<Term, 'product' | 'accumulator'>;

/** Products in the order of their slots, pairs added in 16 bits, and the input's zero point taken out at the end. */
function rawPairs(
  taps: readonly Tap[],
  x: ElementData,
  zero: ZeroPoints,
  layer: LinearLayer,
  { slots, overflow, outside, rounds }: Pairs,
) {
  const offset = pairOffset(layer, overflow);
  const isAbsent = ({ padding }: Tap): boolean => padding && outside === 'nothing';
  const productOf = (tap: Tap): number => (isAbsent(tap) ? 0 : (valueAt(x, tap, zero.input) - offset) * tap.weight);
  const ordered: Tap[] = [];
  const terms: Product[] = [];
  const pairs: Pair[] = [];
  let sum = 0;
  for (let slot = 0; slot < slots.length; slot += 2) {
    const own = [slots[slot]!, slots[slot + 1]!]
      .filter((product) => product !== BLANK)
      .map((product) => taps[product]!);
    const products = own.map(productOf);
    const exact = products.reduce((total, product) => total + product, 0);
    const saturated = narrow(exact, overflow);
    if (own.length > 0) pairs.push({ term: terms.length, exact, saturated });
    for (const [i, product] of products.entries())
      terms.push({ product, accumulator: i === own.length - 1 ? sum + saturated : sum });
    ordered.push(...own);
    sum += saturated;
  }
  const zeroSum = (zero.input - offset) * taps.reduce((total, tap) => total + (isAbsent(tap) ? 0 : tap.weight), 0);
  // what zero points of weights take off is added in int32
  const inputs = taps.reduce((total, tap) => total + valueAt(x, tap, zero.input) - zero.input, 0);
  const accumulator = (rounds ? f32(sum) - f32(zeroSum) : sum - zeroSum) - zero.weight * inputs;
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
export function sumOf(
  taps: readonly Tap[],
  { values, reference }: ReturnType<Question['operand']>,
  zero: ZeroPoints,
  paired?: { readonly layer: LinearLayer; readonly pairs: Pairs },
): Sum {
  const raw = paired && rawPairs(taps, values, zero, paired.layer, paired.pairs);
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
    accumulation: raw ? 'saturating-pairs' : 'exact',
    inputZeroPoint: zero.input,
    weightZeroPoint: zero.weight,
    terms,
    ...(raw ? { pairs: raw.pairs } : {}),
    correction: raw?.correction ?? 0,
    accumulator: raw?.accumulator ?? products.at(-1)?.accumulator ?? 0,
    exactAccumulator: exactAccumulator(taps, values, zero),
  };
}
