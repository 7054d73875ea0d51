import type { Choice } from '../problem.ts';

/** The order in which products are added. */
export type ProductOrder = 'kh,kw,c' | 'c,kh,kw' | 'kw,kh,c';

/** Raw operands of one output in the order of its products, and what makes a sum of them. */
export interface Products {
  readonly x: Int32Array;
  readonly w: Int32Array;
  /** The first weight. */
  readonly at: number;
  readonly count: number;
  /** Products of one tap of the kernel. */
  readonly perTap: number;
  readonly zx: number;
  readonly zw: number;
  /** sum(w) over the products. */
  readonly weightSum: number;
}

export interface AccumulationChoice extends Choice {
  readonly order: ProductOrder;
  /** sum((x - zx) * (w - zw)), or what becomes of it. */
  readonly sum: (products: Products) => number;
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

/** Pairs of raw products saturated to int16, an odd last one alone. */
function pairs(p: Products): number {
  const { x, w, at, count } = p;
  let sum = 0;
  for (let k = 0; k < count; k += 2)
    sum += saturate16(x[k]! * w[at + k]! + (k + 1 < count ? x[k + 1]! * w[at + k + 1]! : 0));
  return sum + corrections(p);
}

/** The same, each tap of the kernel by itself. */
function pairsOfTaps(p: Products): number {
  const { x, w, at, count, perTap } = p;
  let sum = 0;
  for (let tap = 0; tap < count; tap += perTap)
    for (let k = tap; k < tap + perTap; k += 2)
      sum += saturate16(x[k]! * w[at + k]! + (k + 1 < tap + perTap ? x[k + 1]! * w[at + k + 1]! : 0));
  return sum + corrections(p);
}

/** Pairs of products saturated to int16 behind the zero points. */
function centredPairs({ x, w, at, count, zx, zw }: Products): number {
  let sum = 0;
  for (let k = 0; k < count; k += 2) {
    const second = k + 1 < count ? (x[k + 1]! - zx) * (w[at + k + 1]! - zw) : 0;
    sum += saturate16((x[k]! - zx) * (w[at + k]! - zw) + second);
  }
  return sum;
}

/** Every addition saturates to int16. */
function running({ x, w, at, count, zx, zw }: Products): number {
  let sum = 0;
  for (let k = 0; k < count; k++) sum = saturate16(sum + (x[k]! - zx) * (w[at + k]! - zw));
  return sum;
}

const pairKind = 'saturating-pairs';
const widthKind = 'accumulator-width';
const PAIRS = 'pairs of products saturate to int16';

/** The commoner ways first; not all of them differ in every layer. */
export const ACCUMULATIONS: readonly AccumulationChoice[] = [
  { id: 'exact', kind: pairKind, detail: 'sums are exact', order: 'kh,kw,c', sum: exact },
  {
    id: 'pairs',
    kind: pairKind,
    detail: `${PAIRS}, neighbours in the order row, column, channel (vpmaddubsw)`,
    order: 'kh,kw,c',
    sum: pairs,
  },
  {
    id: 'pairs-of-taps',
    kind: pairKind,
    detail: `${PAIRS}, each tap of the kernel by itself`,
    order: 'kh,kw,c',
    sum: pairsOfTaps,
  },
  {
    id: 'pairs-channel-first',
    kind: pairKind,
    detail: `${PAIRS}, neighbours in the order channel, row, column`,
    order: 'c,kh,kw',
    sum: pairs,
  },
  {
    id: 'pairs-columns-first',
    kind: pairKind,
    detail: `${PAIRS}, neighbours in the order column, row, channel`,
    order: 'kw,kh,c',
    sum: pairs,
  },
  {
    id: 'centred-pairs',
    kind: pairKind,
    detail: `${PAIRS}, behind the zero points`,
    order: 'kh,kw,c',
    sum: centredPairs,
  },
  {
    id: 'wrap16',
    kind: widthKind,
    detail: 'the accumulator wraps around at 16 bits',
    order: 'kh,kw,c',
    sum: (p) => wrap16(exact(p)),
  },
  {
    id: 'wrap24',
    kind: widthKind,
    detail: 'the accumulator wraps around at 24 bits',
    order: 'kh,kw,c',
    sum: (p) => wrap24(exact(p)),
  },
  {
    id: 'saturate16',
    kind: widthKind,
    detail: 'the accumulator saturates at 16 bits, product by product',
    order: 'kh,kw,c',
    sum: running,
  },
  {
    id: 'saturate16-channel-first',
    kind: widthKind,
    detail: 'the accumulator saturates at 16 bits, product by product in the order channel, row, column',
    order: 'c,kh,kw',
    sum: running,
  },
  {
    id: 'saturate16-end',
    kind: widthKind,
    detail: 'the accumulator saturates at 16 bits at its end',
    order: 'kh,kw,c',
    sum: (p) => saturate16(exact(p)),
  },
];

/** What becomes of accumulator and bias together. */
export interface WidthChoice extends Choice {
  readonly narrow: ((sum: number) => number) | undefined;
}

export const WIDTHS: readonly WidthChoice[] = [
  { id: 'int32', kind: widthKind, detail: 'accumulator and bias in 32 bits', narrow: undefined },
  {
    id: 'wrap16',
    kind: widthKind,
    detail: 'accumulator and bias wrap around at 16 bits',
    wraps: true,
    narrow: (v) => wrap16(Math.round(v)),
  },
  {
    id: 'wrap24',
    kind: widthKind,
    detail: 'accumulator and bias wrap around at 24 bits',
    wraps: true,
    narrow: (v) => wrap24(Math.round(v)),
  },
  { id: 'saturate16', kind: widthKind, detail: 'accumulator and bias saturate at 16 bits', narrow: saturate16 },
];
