import { ALWAYS, CODES, findBoundaries, NEVER, type AccumulatorRange } from '../../src/requantize/boundaries.ts';
import { channelBoundaries, type ChannelBoundaries } from '../../src/requantize/form.ts';
import { clamp } from '../../src/engines/rounding.ts';
import type { StepFunctions } from '../../src/engines/engine.ts';

/** Boundaries a channel: one for each code but the first. */
export const BOUNDARIES = CODES - 1;

/** y = clamp(((accumulator + bias) * multiplier + offset) >> shift), for one channel. */
export interface Line {
  readonly multiplier: number;
  readonly offset: number;
  readonly shift: number;
  /** false: at every accumulator the line is right or one too low. */
  readonly exact: boolean;
}

/** A layer's requantization in integers, proved over all accumulators that the layer can reach. */
export interface IntegerRequantization {
  readonly lines: readonly Line[];
  /**
   * [channel][255], where a channel has no exact line: entry j is the smallest reachable accumulator of code j + 1 or
   * more; the smallest of all where every accumulator has it, one above the largest where none has.
   */
  readonly boundaries?: Int32Array;
  /**
   * What channels without an exact line need: one comparison with the next boundary, or a search in all of them.
   * 'none' where every channel has an exact line.
   */
  readonly correction: 'none' | 'compare' | 'search';
  /** How many ends of plateaus the proof evaluated. */
  readonly evaluations: number;
}

/** A layer's step functions, and the bias that its hardware adds to the accumulator before it multiplies. */
export interface BiasedFunctions {
  readonly functions: StepFunctions;
  readonly range: AccumulatorRange;
  /** The integer bias of each channel, and what it leaves out of the real one: real = bias + remainder. */
  readonly bias: Int32Array;
  readonly remainder: Float64Array;
  /** The smallest value of the output's type, and its zero point. */
  readonly min: number;
  readonly zeroPoint: number;
}

/** Doubles hold the fit's products and sums exactly below this. */
const EXACT = 2 ** 52;
const MOST_SHIFT = 44;

/** [least, most] offset of a line of the raw accumulator with exactly the channel's codes, or undefined. */
function offsets(
  channel: ChannelBoundaries,
  m: number,
  unit: number,
  [least, largest]: readonly [number, number],
): readonly [number, number] | undefined {
  const { at, codes, start, lo, hi } = channel;
  const last = codes.at(-1) ?? start;
  // where a code is the clamp's own, the line may go on beyond it
  let low = start > least ? start * unit - lo * m : -Infinity;
  let high = last < largest ? (last + 1) * unit - 1 - hi * m : Infinity;
  for (let k = 0; k < at.length && low <= high; k++) {
    const before = k === 0 ? start : codes[k - 1]!;
    low = Math.max(low, codes[k]! * unit - at[k]! * m);
    high = Math.min(high, (before + 1) * unit - 1 - (at[k]! - 1) * m);
  }
  return low <= high ? [low, high] : undefined;
}

/** The line with the most bits that is exact, its offset as near to the textbook's (half a unit) as can be. */
function fitLine(
  channel: ChannelBoundaries,
  slope: number,
  magnitude: number,
  ideal: (m: number, unit: number) => number,
  codes: readonly [number, number],
  bits: number,
): { readonly m: number; readonly r: number; readonly s: number } | undefined {
  for (let s = MOST_SHIFT; s >= 0; s--) {
    const unit = 2 ** s;
    const exact = slope * unit;
    for (const m of new Set([Math.round(exact), Math.floor(exact), Math.ceil(exact)])) {
      if (m >= 2 ** bits || m * magnitude + CODES * unit >= EXACT) continue;
      const found = offsets(channel, m, unit, codes);
      if (found) return { m, r: clamp(Math.round(ideal(m, unit)), found[0], found[1]), s };
    }
  }
  return undefined;
}

/** The finest line that fits its registers: the guess where none is exact. */
function guessLine(slope: number, magnitude: number, bits: number): { readonly m: number; readonly s: number } {
  for (let s = MOST_SHIFT; s > 0; s--) {
    const m = Math.round(slope * 2 ** s);
    if (m < 2 ** bits && m * magnitude + CODES * 2 ** s < EXACT) return { m, s };
  }
  return { m: Math.round(slope), s: 0 };
}

/** What the hardware computes, in integers of any width. */
export function evaluateLine(
  line: Line,
  bias: number,
  accumulator: number,
  [min, max]: readonly [number, number],
): number {
  const product = BigInt(accumulator + bias) * BigInt(line.multiplier) + BigInt(line.offset);
  return clamp(Number(product >> BigInt(line.shift)), min, max);
}

/**
 * Fits a line to every channel and proves it: both ends of every plateau of the reachable accumulators are
 * evaluated in integers of any width. Between them a line cannot leave the plateau, because it does not decrease.
 * Where no line of `bits` bits is exact, the channel gets one that is right or one too low, proved likewise, to be
 * corrected by one comparison with the next boundary.
 */
export function integerRequantization(layer: BiasedFunctions, bits: number): IntegerRequantization {
  const { functions, range, bias, remainder, zeroPoint, min } = layer;
  const boundaries = findBoundaries(functions, range, min);
  // of codes, which the fit works with; the type's smallest value goes into the offset
  const clamped = [functions.min - min, functions.max - min] as const;
  const table = new Int32Array(functions.channels * BOUNDARIES);
  const lines: Line[] = [];
  let evaluations = 0;
  let guessed = true;
  for (let c = 0; c < functions.channels; c++) {
    const channel = channelBoundaries(boundaries, c);
    const [lo, hi, b] = [channel.lo, channel.hi, bias[c]!];
    for (let j = 0; j < BOUNDARIES; j++) {
      const first = channel.first[j + 1]!;
      table[c * BOUNDARIES + j] = first === NEVER ? hi + 1 : first === ALWAYS ? lo : first;
    }
    const slope = functions.slope(c);
    const magnitude = Math.max(Math.abs(lo), Math.abs(hi), Math.abs(b), Math.abs(lo + b), Math.abs(hi + b));
    const ideal = (m: number, unit: number): number => (b + remainder[c]!) * m + (zeroPoint - min + 0.5) * unit;
    const toLine = (m: number, r: number, s: number, exact: boolean): Line => ({
      multiplier: m,
      offset: r - b * m + min * 2 ** s,
      shift: s,
      exact,
    });
    const check = (line: Line): boolean => {
      const holds = (accumulator: number, code: number): boolean => {
        evaluations++;
        const got = evaluateLine(line, b, accumulator, [functions.min, functions.max]) - min;
        return got === code || (!line.exact && got === code - 1);
      };
      let code = channel.start;
      let correct = holds(lo, code);
      for (const [k, at] of channel.at.entries()) {
        correct &&= holds(at - 1, code);
        code = channel.codes[k]!;
        correct &&= holds(at, code);
      }
      return correct && holds(hi, code);
    };
    const fitted = fitLine(channel, slope, magnitude, ideal, clamped, bits);
    const line = fitted && toLine(fitted.m, fitted.r, fitted.s, true);
    if (line && check(line)) {
      lines.push(line);
      continue;
    }
    const { m, s } = guessLine(slope, magnitude, bits);
    // half a unit lower than the textbook's: half a unit of slack on either side
    const guess = toLine(m, Math.round(ideal(m, 2 ** s) - 2 ** s / 2), s, false);
    lines.push(guess);
    guessed &&= check(guess);
  }
  const exact = lines.every((line) => line.exact);
  return {
    lines,
    ...(exact ? {} : { boundaries: table }),
    correction: exact ? 'none' : guessed ? 'compare' : 'search',
    evaluations,
  };
}
