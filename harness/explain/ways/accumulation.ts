import type { Accumulation, LinearLayer, Pairs } from '../../../src/engines/engine.ts';
import { areSaturatingNeighbours, BLANK } from '../../../src/engines/pairs.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import { narrow, pairOffset } from '../../../src/layers/linear/reference.ts';
import { describePairing } from '../pairing.ts';
import { waysOf, type Choice } from '../problem.ts';

/** The order in which products are added. */
export type ProductOrder = 'kh,kw,c' | 'c,kh,kw' | 'kw,kh,c';

/** Raw operands of one output in the order of its products, and what makes a sum of them. */
interface Products {
  readonly x: Int32Array;
  readonly w: Int32Array;
  /** The first weight. */
  readonly at: number;
  readonly count: number;
  /** 1 where x lies outside of the input. */
  readonly outside: Uint8Array;
  /** Products of one tap of the kernel. */
  readonly perTap: number;
  readonly zx: number;
  readonly zw: number;
  /** sum(w) over the products. */
  readonly weightSum: number;
}

/** sum((x - zx) * (w - zw)), or what becomes of it. */
type Summing = (products: Products) => number;

export interface AccumulationChoice extends Choice {
  readonly order: ProductOrder;
  readonly sum: Summing;
}

const saturate16 = (v: number): number => (v > 32767 ? 32767 : v < -32768 ? -32768 : v);
const wrap16 = (v: number): number => (v << 16) >> 16;
const wrap24 = (v: number): number => (v << 8) >> 8;

/** What takes the zero points out of sum(x * w). */
function corrections({ x, count, zx, zw, weightSum }: Products): number {
  if (zw === 0) return -zx * weightSum;
  let sum = 0;
  for (let k = 0; k < count; k++) sum += x[k]!;
  return -zx * weightSum - zw * sum + count * zx * zw;
}

function exact(p: Products): number {
  const { x, w, at, count } = p;
  let sum = 0;
  for (let k = 0; k < count; k++) sum += x[k]! * w[at + k]!;
  return sum + corrections(p);
}

/** Pairs of raw products saturated to int16, an odd last one alone; of all products, or each tap of the kernel by itself. */
const pairsOf =
  (run: 'count' | 'perTap'): Summing =>
  (p) => {
    const { x, w, at, count } = p;
    let sum = 0;
    for (let first = 0; first < count; first += p[run])
      for (let k = first; k < first + p[run]; k += 2)
        sum += saturate16(x[k]! * w[at + k]! + (k + 1 < first + p[run] ? x[k + 1]! * w[at + k + 1]! : 0));
    return sum + corrections(p);
  };
const pairs = pairsOf('count');

/** Pairs of products saturated to int16 behind the zero points. */
const centredPairs: Summing = ({ x, w, at, count, zx, zw }) => {
  let sum = 0;
  for (let k = 0; k < count; k += 2) {
    const second = k + 1 < count ? (x[k + 1]! - zx) * (w[at + k + 1]! - zw) : 0;
    sum += saturate16((x[k]! - zx) * (w[at + k]! - zw) + second);
  }
  return sum;
};

/** Every addition saturates to int16. */
const running: Summing = ({ x, w, at, count, zx, zw }) => {
  let sum = 0;
  for (let k = 0; k < count; k++) sum = saturate16(sum + (x[k]! - zx) * (w[at + k]! - zw));
  return sum;
};

const pairing = waysOf('saturating-pairs');
const wrapping = waysOf('wrapping-pairs');
const width = waysOf('accumulator-width');
const by = (sum: Summing, order: ProductOrder = 'kh,kw,c') => ({ sum, order });
const PAIRS = 'pairs of products saturate to int16';
const SATURATES = 'the accumulator saturates at 16 bits';

/** The commoner ways first; not all of them differ in every layer. */
export const ACCUMULATIONS: readonly AccumulationChoice[] = [
  pairing('exact', 'sums are exact', by(exact)),
  pairing('pairs', `${PAIRS}, neighbours in the order row, column, channel (vpmaddubsw)`, by(pairs)),
  pairing('pairs-of-taps', `${PAIRS}, each tap of the kernel by itself`, by(pairsOf('perTap'))),
  pairing('pairs-channel-first', `${PAIRS}, neighbours in the order channel, row, column`, by(pairs, 'c,kh,kw')),
  pairing('pairs-columns-first', `${PAIRS}, neighbours in the order column, row, channel`, by(pairs, 'kw,kh,c')),
  pairing('centred-pairs', `${PAIRS}, behind the zero points`, by(centredPairs)),
  width(
    'wrap16',
    'the accumulator wraps around at 16 bits',
    by((p) => wrap16(exact(p))),
  ),
  width(
    'wrap24',
    'the accumulator wraps around at 24 bits',
    by((p) => wrap24(exact(p))),
  ),
  width('saturate16', `${SATURATES}, product by product`, by(running)),
  width(
    'saturate16-channel-first',
    `${SATURATES}, product by product in the order channel, row, column`,
    by(running, 'c,kh,kw'),
  ),
  width(
    'saturate16-end',
    `${SATURATES} at its end`,
    by((p) => saturate16(exact(p))),
  ),
];

/** A reference's own pairs, where they are none of these. */
function ownPairs(layer: LinearLayer, own: Pairs): AccumulationChoice {
  const { slots, overflow, outside, rounds } = own;
  const offset = pairOffset(layer, overflow);
  const sum: Summing = ({ x, w, at, outside: isOutside, zx, weightSum }) => {
    let [sum, present] = [0, weightSum];
    const product = (k: number): number => {
      if (k === BLANK) return 0;
      const weight = w[at + k]!;
      if (outside !== 'nothing' || isOutside[k] === 0) return (x[k]! - offset) * weight;
      present -= weight;
      return 0;
    };
    for (let slot = 0; slot < slots.length; slot += 2)
      sum += narrow(product(slots[slot]!) + product(slots[slot + 1]!), overflow);
    const zeros = (zx - offset) * present;
    return rounds ? f32(sum) - f32(zeros) : sum - zeros;
  };
  const order = describePairing(layer, own);
  return overflow === 'wraps'
    ? wrapping('own-pairs', `pairs of products of signed values wrap around at int16, ${order}`, by(sum))
    : pairing('own-pairs', `${PAIRS}, ${order}`, by(sum));
}

/** The ways, and the id of the engine's. */
export function accumulationChoices(layer: LinearLayer, own: Accumulation): readonly [AccumulationChoice[], string] {
  if (own === 'exact') return [[...ACCUMULATIONS], 'exact'];
  if (areSaturatingNeighbours(layer, own)) return [[...ACCUMULATIONS], 'pairs'];
  return [[...ACCUMULATIONS, ownPairs(layer, own)], 'own-pairs'];
}

/** What becomes of accumulator and bias together. */
interface WidthChoice extends Choice {
  readonly narrow?: (sum: number) => number;
}

const BOTH = 'accumulator and bias';

export const WIDTHS: readonly WidthChoice[] = [
  width('int32', `${BOTH} in 32 bits`, {}),
  width('wrap16', `${BOTH} wrap around at 16 bits`, { wraps: true, narrow: (v: number) => wrap16(Math.round(v)) }),
  width('wrap24', `${BOTH} wrap around at 24 bits`, { wraps: true, narrow: (v: number) => wrap24(Math.round(v)) }),
  width('saturate16', `${BOTH} saturate at 16 bits`, { narrow: saturate16 }),
];
