import { clamp } from '../engines/rounding.ts';
import type { StepFunctions } from '../engines/engine.ts';

/** Smallest and largest accumulator that a channel can reach; both are int32 values. */
export interface AccumulatorRange {
  readonly lo: Float64Array;
  readonly hi: Float64Array;
}

/** Table entry of a code that is reached at every accumulator, or at none. */
export const ALWAYS = -0x80000000;
export const NEVER = 0x7fffffff;

/** Entries a channel: codes 0 to 255. */
export const CODES = 256;

/**
 * A requantization, reduced to what it is: for each channel and each code, the smallest reachable
 * accumulator that gives at least this code. A code is an 8-bit value minus the smallest of its type
 * (0 to 255). `code(acc) = number of j in 1..255 with acc >= first[channel * 256 + j]`.
 */
export interface Boundaries {
  readonly channels: number;
  readonly range: AccumulatorRange;
  /** channels * 256; entry 0 of a channel is ALWAYS. */
  readonly first: Int32Array;
}

/** The smallest accumulator in (low, high] of a value of at least `wanted`, where value(low) < wanted <= value(high). */
function firstAtLeast(
  value: (accumulator: number) => number,
  wanted: number,
  low: number,
  high: number,
  guess: number,
): number {
  // gallops from the guess, then bisects
  let probe = clamp(guess, low + 1, high);
  for (let step = 1; low < probe && probe < high; step *= 4) {
    if (value(probe) >= wanted) probe = (high = probe) - step;
    else probe = (low = probe) + step;
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (value(middle) >= wanted) high = middle;
    else low = middle;
  }
  return high;
}

/** An accumulator below `hi` at which the value is neither the first nor the last one, if halving the range meets one. */
function midway(value: (accumulator: number) => number, lo: number, hi: number): number {
  const [start, last] = [value(lo), value(hi)];
  let [low, high] = [lo, hi];
  for (;;) {
    const middle = Math.floor((low + high) / 2);
    const reached = value(middle);
    if (middle === low || (reached > start && reached < last)) return middle;
    if (reached === start) low = middle;
    else high = middle;
  }
}

/**
 * One channel's entries of the table. Were the function a line, the boundary of value v would be the first integer from
 * origin + v * stride on: where that is not so, which the values on both sides of it tell, it is searched for.
 *
 * @param zero where the table has the value 0
 */
function findInChannel(
  value: (accumulator: number) => number,
  stride: number,
  lo: number,
  hi: number,
  first: Int32Array,
  zero: number,
): void {
  const last = value(hi);
  let reached = value(lo);
  const middle = midway(value, lo, hi);
  let [least, most] = [-Infinity, Infinity];
  let origin = middle - (value(middle) + 0.5) * stride;
  for (let below = lo; reached < last;) {
    const wanted = reached + 1;
    let boundary = Math.ceil(origin + wanted * stride);
    if (boundary > below && boundary <= hi && value(boundary) === wanted && value(boundary - 1) === reached) {
      reached = wanted;
      first[zero + wanted] = boundary;
    } else {
      boundary = firstAtLeast(value, wanted, below, hi, boundary);
      reached = value(boundary);
      for (let v = wanted; v <= reached; v++) first[zero + v] = boundary;
      // it says where the origin is, give or take one
      const nearest = boundary - wanted * stride;
      most = Math.min(most, nearest);
      least = Math.max(least, nearest - 1);
      if (least > most) [least, most] = [nearest - 1, nearest];
      origin = (least + most) / 2;
    }
    below = boundary;
  }
}

/**
 * The boundaries of every channel over its reachable accumulators. Relies on each function being
 * non-decreasing, and evaluates it on both sides of every boundary.
 *
 * @param min the smallest value of the output's type: code 0
 */
export function findBoundaries(functions: StepFunctions, range: AccumulatorRange, min: number): Boundaries {
  const first = new Int32Array(functions.channels * CODES).fill(NEVER);
  for (let channel = 0; channel < functions.channels; channel++) {
    const value = functions.at(channel);
    const [lo, hi] = [range.lo[channel]!, range.hi[channel]!];
    const base = channel * CODES;
    first.fill(ALWAYS, base, base + value(lo) - min + 1);
    findInChannel(value, 1 / functions.slope(channel), lo, hi, first, base - min);
  }
  return { channels: functions.channels, range, first };
}

/** The universal requantization: how many boundaries an accumulator has passed. */
export function codeAt(boundaries: Boundaries, channel: number, accumulator: number): number {
  const base = channel * CODES;
  let low = 0;
  let high = CODES - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (accumulator >= boundaries.first[base + middle]!) low = middle;
    else high = middle - 1;
  }
  return low;
}
