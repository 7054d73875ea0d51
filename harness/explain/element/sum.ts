import type { ElementData } from '../../../src/graph/graph.ts';
import type { Linear } from '../../../src/layers/layer.ts';
import { clamp } from '../../../src/engines/rounding.ts';
import type { Accumulation } from '../../../src/engines/engine.ts';
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

const saturate = (sum: number): number => clamp(sum, -32768, 32767);

export function saturatedAccumulator(taps: readonly Tap[], x: ElementData, zero: ZeroPoints): number {
  const { pairs, correction } = rawPairs(taps, x, zero);
  return pairs.reduce((sum, { saturated }) => sum + saturated, correction);
}

type Product = Pick<Term, 'product' | 'accumulator'>;

/** Raw products, neighbours added in 16 bits, and the input's zero point taken out at the end. */
function rawPairs(taps: readonly Tap[], x: ElementData, zero: ZeroPoints) {
  const terms: Product[] = [];
  const pairs: Pair[] = [];
  let accumulator = 0;
  const products = taps.map((tap) => valueAt(x, tap, zero.input) * tap.weight);
  for (let k = 0; k < products.length; k += 2) {
    const exact = products[k]! + (products[k + 1] ?? 0);
    const saturated = saturate(exact);
    const isAlone = k + 1 === products.length;
    terms.push({ product: products[k]!, accumulator: isAlone ? accumulator + saturated : accumulator });
    accumulator += saturated;
    if (!isAlone) terms.push({ product: products[k + 1]!, accumulator });
    pairs.push({ term: k, exact, saturated });
  }
  const correction = -zero.input * taps.reduce((sum, { weight }) => sum + weight, 0);
  return { terms, pairs, correction };
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
  accumulation: Accumulation,
): Sum {
  const isExact = accumulation === 'exact';
  const raw = isExact ? undefined : rawPairs(taps, values, zero);
  const products = raw ? raw.terms : centredProducts(taps, values, zero);
  const terms = taps.map((tap, k): Term => {
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
  const correction = raw?.correction ?? 0;
  return {
    accumulation,
    inputZeroPoint: zero.input,
    weightZeroPoint: zero.weight,
    terms,
    ...(raw ? { pairs: raw.pairs } : {}),
    correction,
    accumulator: (products.at(-1)?.accumulator ?? 0) + correction,
    exactAccumulator: exactAccumulator(taps, values, zero),
  };
}
