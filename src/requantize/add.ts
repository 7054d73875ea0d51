import { clamp } from '../engines/rounding.ts';

/** An add proved over all 65,536 pairs of codes. */
export interface ProvedAdd {
  readonly form: 'add_line' | 'add_table';
  /** add_line: [mA, mB, c, s, least code, largest code, 0, 0]; add_table: 65,536 codes, four a word, row a. */
  readonly parameters: Int32Array;
}

const PAIRS = 65536;

/** What the shader of add_line computes: clamp((a*mA + b*mB + c) >> s), in int32. */
export function evaluateAddLine(parameters: Int32Array, a: number, b: number): number {
  const sum = (Math.imul(a, parameters[0]!) + Math.imul(b, parameters[1]!) + parameters[2]!) | 0;
  return clamp(sum >> parameters[3]!, parameters[4]!, parameters[5]!);
}

/** A table of codes, and what its lines are looked for with. */
interface Codes {
  /** Of all pairs, row a. */
  readonly table: Uint8Array;
  readonly least: number;
  readonly most: number;
  /** Pairs that refuted a line: they are likely to refute the next one, too. */
  readonly witnesses: number[];
}

/** The smallest offset c for which the line gives every pair its code; undefined where there is none. */
function offset({ table, least, most, witnesses }: Codes, mA: number, mB: number, s: number): number | undefined {
  const unit = 2 ** s;
  let [low, lowAt, high, highAt] = [-Infinity, 0, Infinity, 0];
  for (let i = -witnesses.length; i < PAIRS; i++) {
    const pair = i < 0 ? witnesses[witnesses.length + i]! : i;
    const code = table[pair]!;
    const sum = (pair >> 8) * mA + (pair & 255) * mB;
    if (code > least && code * unit - sum > low) {
      low = code * unit - sum;
      lowAt = pair;
    }
    if (code < most && (code + 1) * unit - 1 - sum < high) {
      high = (code + 1) * unit - 1 - sum;
      highAt = pair;
    }
    if (low > high) {
      if (i >= 0) witnesses.push(lowAt, highAt);
      return undefined;
    }
  }
  return Number.isFinite(low) ? low : Math.min(high, 0);
}

/** Integers around a multiplier, the nearest first: an engine's own rounding may have turned the line a little. */
function around(multiplier: number): number[] {
  const nearest = Math.round(multiplier);
  return [0, -1, 1, -2, 2, -3, 3, -4, 4].map((step) => nearest + step);
}

function fitAddLine(table: Uint8Array, slope: { a: number; b: number }): Int32Array | undefined {
  let [least, most] = [255, 0];
  for (let pair = 0; pair < PAIRS; pair++) {
    least = Math.min(least, table[pair]!);
    most = Math.max(most, table[pair]!);
  }
  const codes: Codes = { table, least, most, witnesses: [] };
  // 255 * (mA + mB) + c has to stay below 2^31; engines that round their scales to few bits need as few here
  const finest = Math.floor(Math.log2(2 ** 30 / (255 * (slope.a + slope.b))));
  for (let s = Math.min(finest, 24); s >= Math.max(0, finest - 12); s--)
    for (const mA of around(slope.a * 2 ** s))
      for (const mB of around(slope.b * 2 ** s)) {
        const c = offset(codes, mA, mB, s);
        if (c !== undefined && 255 * (mA + mB) + Math.abs(c) < 2 ** 31)
          return Int32Array.of(mA, mB, c, s, least, most, 0, 0);
      }
  return undefined;
}

/** A function of two codes as the table that add_table reads: 65,536 codes, four a word, row a. */
export function addTable(f: (a: number, b: number) => number): Int32Array {
  return new Int32Array(codesOf(f).buffer);
}

function codesOf(f: (a: number, b: number) => number): Uint8Array {
  const codes = new Uint8Array(PAIRS);
  for (let i = 0; i < PAIRS; i++) codes[i] = f(i >> 8, i & 255);
  return codes;
}

function isLine(codes: Uint8Array, line: Int32Array): boolean {
  for (let pair = 0; pair < PAIRS; pair++)
    if (evaluateAddLine(line, pair >> 8, pair & 255) !== codes[pair]) return false;
  return true;
}

/**
 * Proves an integer line for an element-wise function of two codes, over all pairs; where none is found,
 * the table of all pairs, right by construction.
 *
 * @param slope d(code)/da and d(code)/db, approximately: where to look. Never trusted.
 */
export function proveAdd(f: (a: number, b: number) => number, slope: { a: number; b: number }): ProvedAdd {
  const codes = codesOf(f);
  const line = fitAddLine(codes, slope);
  if (line && isLine(codes, line)) return { form: 'add_line', parameters: line };
  return { form: 'add_table', parameters: new Int32Array(codes.buffer) };
}
