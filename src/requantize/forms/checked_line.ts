import { clamp } from '../../semantics/rounding.ts';
import { changingPart, type ChannelBoundaries, type FormParameters, type RequantizeForm } from '../form.ts';

/** Accumulators that the shader turns into integers by adding 1.5 * 2^23 are below this. */
const MOST_ACCUMULATOR = 2 ** 22;
const MOST_PERIOD = 2 ** 30;
/** The check's difference is an int32 between the points at which it is evaluated, too: it is nearly a line. */
const MOST_DIFFERENCE = 1.5 * 2 ** 30;
/** Doubles hold the products of fit exactly below this. */
const EXACT = 2 ** 52;
/** Accumulators of a channel that are listed one by one; more, and the form does not pay. */
const MOST_EXCEPTIONS = 160;
/** More than the relative error of a product and a sum in f32, however either is rounded, fused or not. */
const ROUNDING = 2 ** -22;

/** Parameters of a channel before its exceptions. */
const LINE = 7;

/** The last convergent multiplier / period of the slope's continued fraction within the limits. */
function convergent(slope: number): { multiplier: number; period: number } | undefined {
  if (!(slope > 0) || !Number.isFinite(slope)) return undefined;
  let [m0, p0, m1, p1] = [0, 1, 1, 0];
  let rest = slope;
  for (let i = 0; i < 40; i++) {
    const whole = Math.floor(rest);
    const [m, p] = [whole * m1 + m0, whole * p1 + p0];
    if (m > MOST_PERIOD || p > MOST_PERIOD) break;
    [m0, p0, m1, p1] = [m1, p1, m, p];
    if (rest === whole) break;
    rest = 1 / (rest - whole);
  }
  return m1 > 0 && p1 > 0 ? { multiplier: m1, period: p1 } : undefined;
}

/** The offset R for which floor((a*M + R) / P) has the most of the channel's boundaries: all of them, where there is one. */
function bestOffset({ at, codes }: ChannelBoundaries, M: number, P: number): number {
  let least = -Infinity;
  let most = Infinity;
  for (let k = 0; k < at.length; k++) {
    const smallest = codes[k]! * P - at[k]! * M;
    least = Math.max(least, smallest);
    most = Math.min(most, smallest + M - 1);
  }
  if (least <= most) return least;
  // each boundary admits M consecutive offsets: the window of that length with the most beginnings in it
  const begins = Float64Array.from(at, (a, k) => codes[k]! * P - a * M).sort();
  let [best, from, offset] = [0, 0, begins[0]!];
  for (let to = 0; to < begins.length; to++) {
    while (begins[to]! - begins[from]! >= M) from++;
    if (to - from + 1 > best) [best, offset] = [to - from + 1, begins[to]!];
  }
  return offset;
}

/** Accumulators at which the line is wrong, and their codes: [accumulator, code, ...]; undefined where there are too many. */
function exceptionsOf(channel: ChannelBoundaries, M: number, P: number, R: number): number[] | undefined {
  const { at, codes, start, lo, hi } = channel;
  const exceptions: number[] = [];
  const line = (accumulator: number): number => Math.floor((accumulator * M + R) / P);
  for (let k = 0; k < at.length; k++) {
    const boundary = at[k]!;
    const code = codes[k]!;
    const before = k === 0 ? start : codes[k - 1]!;
    const value = boundary * M + R;
    // the usual case, without a division: the line is below the code just before its boundary, and not at it
    if (value >= code * P && value - M < code * P) continue;
    // the plateaus on either side of the boundary; beyond them other boundaries see to it
    const end = at[k + 1] ?? hi + 1;
    const begin = k === 0 ? lo : at[k - 1]!;
    const few = (): boolean => exceptions.length <= 2 * MOST_EXCEPTIONS;
    for (let a = boundary; a < end && line(a) < code && few(); a++) exceptions.push(a, code);
    for (let a = boundary - 1; a >= begin && line(a) > before && few(); a--) exceptions.push(a, before);
    if (!few()) return undefined;
  }
  return exceptions;
}

function checked(p: FormParameters, u: number, guess: number): number {
  const difference = u * p[4]! + p[6]! - (guess + 1) * p[5]!;
  if (Math.abs(difference) >= MOST_DIFFERENCE) return NaN;
  return difference >= 0 ? guess + 1 : guess;
}

/**
 * A guess by one f32 multiply, which may be one too low and rounded in any way, and one exact check in
 * integers mod 2^32 of the line that a fraction M / P gives: no 64-bit product, no shift, no table. Where
 * an engine's own rounding leaves the line (at a few accumulators of a few channels), they are listed.
 *
 * Parameters: least, most, m, c (f32 values); M, P, R; then pairs of an exceptional accumulator and its code.
 */
export const checkedLine: RequantizeForm = {
  name: 'checked_line',
  formula: 'g = floor(u*m + c) in f32; g + (u*M + R >= (g + 1)*P) in 32 bits, and a list of exceptions',
  buffers: ['parameters'],
  words: 8,
  table: false,
  floats: true,
  fit(channel, slope) {
    const { origin, span } = changingPart(channel);
    if (span === 0) return [0, 0, 0, channel.start, 0, 1, channel.start];
    const fraction = convergent(slope);
    if (!fraction || origin <= -MOST_ACCUMULATOR || origin + span >= MOST_ACCUMULATOR) return undefined;
    const { multiplier: M, period: P } = fraction;
    if (Math.max(Math.abs(origin), Math.abs(origin + span)) * M >= EXACT || 256 * P >= EXACT) return undefined;
    const R = bestOffset(channel, M, P);
    const exceptions = exceptionsOf(channel, M, P, R);
    if (!exceptions) return undefined;
    // beyond an exception at either end, the line itself has to have the end's code
    let [least, most] = [origin, origin + span];
    for (let i = 0; i < exceptions.length; i += 2) {
      least = Math.min(least, exceptions[i]! - 1);
      most = Math.max(most, exceptions[i]! + 1);
    }
    // half a code below the line, so that it may err by half a code on either side
    return [least, most, Math.fround(M / P), Math.fround(R / P - 0.5), M, P, R, ...exceptions];
  },
  evaluate(p, _channel, accumulator) {
    for (let i = LINE; i < p.length; i += 2) if (accumulator === p[i]) return p[i + 1]!;
    const u = clamp(accumulator, p[0]!, p[1]!);
    const product = u * p[2]!;
    const error = (2 * Math.abs(product) + Math.abs(p[3]!)) * ROUNDING;
    const low = Math.floor(product + p[3]! - error);
    const high = Math.floor(product + p[3]! + error);
    const code = checked(p, u, low);
    // the code must not depend on how the guess is rounded
    return low === high || code === checked(p, u, high) ? code : NaN;
  },
  checkpoints: (p) => p.slice(LINE).filter((_, i) => i % 2 === 0),
  pack: packCheckedLines,
};

/** As the shader's bits of u + SHIFT and guess + SHIFT have it: what SHIFT's own bits add to the check is taken off. */
const SHIFT_BITS = 0x4b400000;

/** The words of each group of four channels as the shader reads them; behind them the groups' lists of exceptions. */
function packCheckedLines(channels: readonly FormParameters[]): Int32Array[] {
  const groups = Math.ceil(channels.length / 4);
  const parameters = new Int32Array(groups * 32);
  const floats = new Float32Array(parameters.buffer);
  const pairs: number[] = [];
  for (let g = 0; g < groups; g++) {
    const lanes = [0, 1, 2, 3].map((lane) => channels[g * 4 + lane]);
    for (const [lane, p] of lanes.entries()) {
      if (!p) continue;
      const word = (index: number): number => g * 32 + index * 4 + lane;
      for (let i = 0; i < 4; i++) floats[word(i)] = p[i]!;
      const [M, P, R] = [p[4]!, p[5]!, p[6]!];
      parameters[word(4)] = M;
      parameters[word(5)] = P;
      parameters[word(6)] = R - P - Math.imul(SHIFT_BITS, M) + Math.imul(SHIFT_BITS, P);
    }
    const count = Math.max(...lanes.map((p) => (p ? (p.length - LINE) / 2 : 0)));
    parameters[g * 32 + 28] = groups * 8 + pairs.length / 4;
    for (let i = 0; i < count; i++)
      for (const part of [0, 1]) for (const p of lanes) pairs.push(p?.[LINE + 2 * i + part] ?? NEVER_REACHED);
    parameters[g * 32 + 29] = groups * 8 + pairs.length / 4;
  }
  const lists = new Int32Array(Float32Array.from(pairs).buffer);
  return [Int32Array.of(...parameters, ...lists)];
}

/** Above every accumulator. */
const NEVER_REACHED = 2 ** 100;
