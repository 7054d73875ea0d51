import type { StepFunctions } from '../semantics/semantics.ts';

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

/** The smallest accumulator above `below` with f >= code, where f(below) < code <= f(hi). Gallops from a guess, then bisects. */
function firstAtLeast(
  f: (accumulator: number) => number,
  code: number,
  below: number,
  hi: number,
  guess: number,
): number {
  let low = below;
  let high = hi;
  let probe = Math.min(Math.max(Math.round(guess), below + 1), hi);
  for (let step = 1; low < high; step *= 4) {
    if (f(probe) >= code) {
      high = probe;
      probe -= step;
      if (probe <= low) break;
    } else {
      low = probe;
      probe += step;
      if (probe >= high) break;
    }
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (f(middle) >= code) high = middle;
    else low = middle;
  }
  return high;
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
    const f = (accumulator: number): number => value(accumulator) - min;
    const lo = range.lo[channel]!;
    const hi = range.hi[channel]!;
    const stride = 1 / functions.slope(channel);
    const base = channel * CODES;
    const last = f(hi);
    let code = f(lo);
    first.fill(ALWAYS, base, base + code + 1);
    let below = lo;
    while (code < last) {
      const boundary = firstAtLeast(f, code + 1, below, hi, below === lo ? lo + (hi - lo) / 2 : below + stride);
      const reached = f(boundary);
      first.fill(boundary, base + code + 1, base + reached + 1);
      code = reached;
      below = boundary;
    }
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
