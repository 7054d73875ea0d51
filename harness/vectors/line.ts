import { ALWAYS, CODES, findBoundaries, NEVER, type Boundaries } from '../../src/requantize/boundaries.ts';
import { changingPart, channelBoundaries, fitLine, type ChannelBoundaries } from '../../src/requantize/form.ts';
import { refute } from '../../src/requantize/prove.ts';
import { clamp } from '../../src/engines/rounding.ts';
import type { BiasedFunctions } from './biased.ts';

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
interface IntegerRequantization {
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

const MOST_SHIFT = 43;

/** The finest line that fits its registers: the guess where none is exact. */
function guessLine(slope: number, admits: (m: number) => boolean): { readonly m: number; readonly s: number } {
  for (let s = MOST_SHIFT; s > 0; s--) {
    const m = Math.round(slope * 2 ** s);
    if (admits(m)) return { m, s };
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

/** A line, and what its proof found. */
interface ProvedLine extends Line {
  /** Is it right or one too low at every accumulator? */
  readonly isNear: boolean;
  readonly evaluations: number;
}

/** Fits lines to channels, when they are asked for. */
export class Lines {
  readonly #layer: BiasedFunctions;
  #boundaries: Boundaries | undefined;

  constructor(layer: BiasedFunctions) {
    this.#layer = layer;
  }

  #boundariesOf(channel: number): ChannelBoundaries {
    const { functions, range, min } = this.#layer;
    return channelBoundaries((this.#boundaries ??= findBoundaries(functions, range, min)), channel);
  }

  /** The 255 boundaries of a channel as hardware has them: see IntegerRequantization. */
  tableOf(channel: number): number[] {
    const { first, lo, hi } = this.#boundariesOf(channel);
    return Array.from(first.subarray(1), (boundary) =>
      boundary === NEVER ? hi + 1 : boundary === ALWAYS ? lo : boundary,
    );
  }

  /**
   * Fits a line to a channel and proves it: both ends of every plateau of the reachable accumulators are evaluated in
   * integers of any width. Between them a line cannot leave the plateau, because it does not decrease. Where no line of
   * `bits` bits is exact, the channel gets one that is right or one too low, proved likewise, to be corrected by one
   * comparison with the next boundary.
   */
  of(c: number, bits: number): ProvedLine {
    const { functions, bias, remainder, zeroPoint, min } = this.#layer;
    const channel = this.#boundariesOf(c);
    const { lo, hi, start, codes } = channel;
    const b = bias[c]!;
    let evaluations = 0;
    const magnitude = Math.max(Math.abs(lo), Math.abs(hi), Math.abs(b), Math.abs(lo + b), Math.abs(hi + b));
    // doubles hold the fit's products and sums exactly
    const admits = (m: number): boolean => m < 2 ** bits && m * magnitude < 2 ** 51;
    /** The textbook's offset of the raw accumulator: half a unit, of codes. */
    const ideal = (m: number, s: number): number => (b + remainder[c]!) * m + (zeroPoint - min + 0.5) * 2 ** s;
    const toLine = (m: number, r: number, s: number, exact: boolean): Line => ({
      multiplier: m,
      offset: r - b * m + min * 2 ** s,
      shift: s,
      exact,
    });
    const isProved = (line: Line): boolean => {
      const evaluate = (_: unknown, { first }: { readonly first: Int32Array }, accumulator: number): number => {
        evaluations++;
        const code = evaluateLine(line, b, accumulator, [functions.min, functions.max]) - min;
        return line.exact || code === CODES - 1 || accumulator < first[code + 1]! ? code : code + 1;
      };
      return !refute({ evaluate }, [], channel);
    };
    const slope = functions.slope(c);
    const { origin } = changingPart(channel);
    // where a code is the clamp's own, the line may go on beyond it
    const ends = [
      start > functions.min - min ? lo - origin : undefined,
      (codes.at(-1) ?? start) < functions.max - min ? hi - origin : undefined,
    ] as const;
    const wanted = (m: number, s: number): number => ideal(m, s) + origin * m;
    const fitted = fitLine(channel, slope, [MOST_SHIFT, 0], admits, ends, wanted);
    const line = fitted && toLine(fitted.m, fitted.r - origin * fitted.m, fitted.s, true);
    if (line && isProved(line)) return { ...line, isNear: true, evaluations };
    const { m, s } = guessLine(slope, admits);
    // half a unit lower than the textbook's: half a unit of slack on either side
    const guess = toLine(m, Math.round(ideal(m, s) - 2 ** s / 2), s, false);
    return { ...guess, isNear: isProved(guess), evaluations };
  }
}

/** A line for every channel. */
export function integerRequantization(layer: BiasedFunctions, bits: number): IntegerRequantization {
  const { channels } = layer.functions;
  const fitter = new Lines(layer);
  const lines = Array.from({ length: channels }, (_, c) => fitter.of(c, bits));
  const exact = lines.every((line) => line.exact);
  return {
    lines,
    ...(exact ? {} : { boundaries: Int32Array.from(lines.flatMap((_, c) => fitter.tableOf(c))) }),
    correction: exact ? 'none' : lines.every(({ isNear }) => isNear) ? 'compare' : 'search',
    evaluations: lines.reduce((sum, { evaluations }) => sum + evaluations, 0),
  };
}
