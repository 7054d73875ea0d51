import { clamp } from '../semantics/rounding.ts';

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

/** The smallest offset c for which the line gives every pair its code; undefined where there is none. */
function offset(codes: Uint8Array, mA: number, mB: number, s: number, min: number, max: number): number | undefined {
  const unit = 2 ** s;
  let least = -Infinity;
  let most = Infinity;
  for (let i = 0; i < PAIRS; i++) {
    const code = codes[i]!;
    const sum = (i >> 8) * mA + (i & 255) * mB;
    if (code > min) least = Math.max(least, code * unit - sum);
    if (code < max) most = Math.min(most, (code + 1) * unit - 1 - sum);
    if (least > most) return undefined;
  }
  return Number.isFinite(least) ? least : Math.min(most, 0);
}

/** Integers around a multiplier, the nearest first: an engine's own rounding may have turned the line a little. */
function around(multiplier: number): number[] {
  const nearest = Math.round(multiplier);
  return [0, -1, 1, -2, 2, -3, 3, -4, 4].map((step) => nearest + step);
}

function fitAddLine(codes: Uint8Array, slope: { a: number; b: number }): Int32Array | undefined {
  let min = 255;
  let max = 0;
  for (const code of codes) {
    min = Math.min(min, code);
    max = Math.max(max, code);
  }
  // 255 * (mA + mB) + c has to stay below 2^31; engines that round their scales to few bits need as few here
  const finest = Math.floor(Math.log2(2 ** 30 / (255 * (slope.a + slope.b))));
  for (let s = Math.min(finest, 24); s >= Math.max(0, finest - 12); s--)
    for (const mA of around(slope.a * 2 ** s))
      for (const mB of around(slope.b * 2 ** s)) {
        const c = offset(codes, mA, mB, s, min, max);
        if (c !== undefined && 255 * (mA + mB) + Math.abs(c) < 2 ** 31)
          return Int32Array.of(mA, mB, c, s, min, max, 0, 0);
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

/**
 * Proves an integer line for an element-wise function of two codes, over all pairs; where none is found,
 * the table of all pairs, right by construction.
 *
 * @param slope d(code)/da and d(code)/db, approximately: where to look. Never trusted.
 */
export function proveAdd(f: (a: number, b: number) => number, slope: { a: number; b: number }): ProvedAdd {
  const codes = codesOf(f);
  const line = fitAddLine(codes, slope);
  if (line && codes.every((code, i) => evaluateAddLine(line, i >> 8, i & 255) === code))
    return { form: 'add_line', parameters: line };
  return { form: 'add_table', parameters: new Int32Array(codes.buffer) };
}
