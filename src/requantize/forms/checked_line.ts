import { clamp } from '../../engines/rounding.ts';
import { changingPart, type ChannelBoundaries, type FormParameters, type RequantizeForm } from '../form.ts';

/** Accumulators that the shader turns into integers by adding 1.5 * 2^23 are below this. */
const MOST_ACCUMULATOR = 2 ** 22;
const MOST_PERIOD = 2 ** 30;
/** The check's difference is an int32 between the points at which it is evaluated, too: it is nearly a line. */
const MOST_DIFFERENCE = 1.5 * 2 ** 30;
/** Doubles hold the products of fit exactly below this. */
const EXACT = 2 ** 52;
/** How many accumulators of a channel can be listed one by one: each list length is a pipeline of its own. */
const LISTS = [0, 2, 8];
const MOST_EXCEPTIONS = LISTS.at(-1)!;
/** More than the relative error of a product and a sum in f32, however either is rounded, fused or not. */
const ROUNDING = 2 ** -22;

/** Parameters of a channel before its exceptions. */
const LINE = 8;

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

/** The offset R for which a*M + R >= code*P at and only at the most of some boundaries: all of them, where there is one. */
function bestOffset({ at, codes }: ChannelBoundaries, parity: number, M: number, P: number): number | undefined {
  let [least, most] = [-Infinity, Infinity];
  for (let k = 0; k < at.length; k++) {
    if ((codes[k]! & 1) !== parity) continue;
    const smallest = codes[k]! * P - at[k]! * M;
    if (smallest > least) least = smallest;
    if (smallest + M - 1 < most) most = smallest + M - 1;
  }
  if (least === -Infinity) return undefined;
  if (least <= most) return least;
  // each boundary admits M consecutive offsets: the window of that length with the most beginnings in it
  const begins = Float64Array.from(at, (a, k) => codes[k]! * P - a * M)
    .filter((_, k) => (codes[k]! & 1) === parity)
    .sort();
  let [best, from, offset] = [0, 0, begins[0]!];
  for (let to = 0; to < begins.length; to++) {
    while (begins[to]! - begins[from]! >= M) from++;
    if (to - from + 1 > best) [best, offset] = [to - from + 1, begins[to]!];
  }
  return offset;
}

/** M, P, and R of odd and of even codes. */
type CheckedLine = readonly [number, number, number, number];

/** The code at an accumulator, by the thresholds of all codes. */
function lineAt([M, P, odd, even]: CheckedLine, accumulator: number): number {
  const below = Math.floor((accumulator * M + Math.min(odd, even)) / P);
  const next = below + 1;
  return accumulator * M + (next & 1 ? odd : even) >= next * P ? next : below;
}

/** Accumulators at which the line is wrong, and their codes: [accumulator, code, ...]; undefined where there are too many. */
function exceptionsOf({ at, codes, start, lo, hi }: ChannelBoundaries, line: CheckedLine): number[] | undefined {
  const [M, P, odd, even] = line;
  const exceptions: number[] = [];
  const few = (): boolean => exceptions.length <= 2 * MOST_EXCEPTIONS;
  for (let k = 0; k < at.length && few(); k++) {
    const boundary = at[k]!;
    const code = codes[k]!;
    const value = boundary * M + (code & 1 ? odd : even) - code * P;
    // the usual case, without a division: the line is below the code just before its boundary, and not at it
    if (value >= 0 && value - M < 0) continue;
    const before = k === 0 ? start : codes[k - 1]!;
    // the plateaus on either side of the boundary; beyond them other boundaries see to it
    const end = at[k + 1] ?? hi + 1;
    const begin = k === 0 ? lo : at[k - 1]!;
    for (let a = boundary; a < end && lineAt(line, a) < code && few(); a++) exceptions.push(a, code);
    for (let a = boundary - 1; a >= begin && lineAt(line, a) > before && few(); a--) exceptions.push(a, before);
  }
  return few() ? exceptions : undefined;
}

/** [code, difference of the check] with one guess. */
function checked(p: FormParameters, u: number, guess: number): number {
  const difference = u * p[4]! + p[guess & 1 ? 7 : 6]! - (guess + 1) * p[5]!;
  if (Math.abs(difference) >= MOST_DIFFERENCE) return NaN;
  return difference >= 0 ? guess + 1 : guess;
}

/**
 * A guess by one f32 multiply, which may be one too low and rounded in any way, and one exact check in
 * integers mod 2^32 of the line that a fraction M / P gives: no 64-bit product, no shift, no table. Engines
 * round ties to even, so odd and even codes have an offset each; where an engine's rounding leaves that line,
 * too (at a few accumulators of a few channels), they are listed.
 *
 * Parameters: least, most, m, c (f32 values); M, P; R of odd and of even codes, which follow even and odd
 * guesses; then pairs of an exceptional accumulator and its code.
 */
export const checkedLine: RequantizeForm = {
  name: 'checked_line',
  formula: 'g = floor(u*m + c) in f32; g + (u*M + R >= (g + 1)*P) in 32 bits, and a list of exceptions',
  buffers: ['parameters'],
  words: 8,
  table: false,
  fit(channel, slope) {
    const { origin, span } = changingPart(channel);
    if (span === 0) return [0, 0, 0, channel.start, 0, 1, channel.start, channel.start];
    const fraction = convergent(slope);
    if (!fraction || origin <= -MOST_ACCUMULATOR || origin + span >= MOST_ACCUMULATOR) return undefined;
    const { multiplier: M, period: P } = fraction;
    if (Math.max(Math.abs(origin), Math.abs(origin + span)) * M >= EXACT || 256 * P >= EXACT) return undefined;
    const [ofOdd, ofEven] = [bestOffset(channel, 1, M, P), bestOffset(channel, 0, M, P)];
    const odd = ofOdd ?? ofEven!;
    const even = ofEven ?? odd;
    // thresholds have to ascend from code to code
    if (Math.abs(odd - even) >= P / 2) return undefined;
    const exceptions = exceptionsOf(channel, [M, P, odd, even]);
    if (!exceptions) return undefined;
    // beyond an exception at either end, the line itself has to have the end's code
    let [least, most] = [origin, origin + span];
    for (let i = 0; i < exceptions.length; i += 2) {
      least = Math.min(least, exceptions[i]! - 1);
      most = Math.max(most, exceptions[i]! + 1);
    }
    // half a code below the line, so that it may err by half a code on either side
    const c = Math.fround((odd + even) / 2 / P - 0.5);
    return [least, most, Math.fround(M / P), c, M, P, odd, even, ...exceptions];
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
  counts: (channels) => ({ EXCEPTIONS: listLength(channels) }),
  pack: packCheckedLines,
};

/** Exceptions that the shader has room for: the shortest of LISTS that holds every channel's. */
function listLength(channels: readonly FormParameters[]): number {
  const longest = channels.reduce((most, { length }) => Math.max(most, (length - LINE) / 2), 0);
  return LISTS.find((length) => length >= longest)!;
}

/** As the shader's bits of u + SHIFT and guess + SHIFT have it: what SHIFT's own bits add to the check is taken off. */
const SHIFT_BITS = 0x4b400000;

/** Above every accumulator. */
const NEVER_REACHED = 2 ** 100;

/** [group of 4 channels][word][lane], as the shader reads it. */
function packCheckedLines(channels: readonly FormParameters[]): Int32Array[] {
  const list = listLength(channels);
  const words = 8 + 2 * list;
  const packed = new Int32Array(Math.ceil(channels.length / 4) * words * 4);
  const floats = new Float32Array(packed.buffer);
  for (const [channel, p] of channels.entries()) {
    const word = (index: number): number => (channel >> 2) * words * 4 + index * 4 + (channel & 3);
    for (let i = 0; i < 4; i++) floats[word(i)] = p[i]!;
    const [M, P, odd, even] = [p[4]!, p[5]!, p[6]!, p[7]!];
    packed[word(4)] = M;
    packed[word(5)] = P;
    // SHIFT_BITS is even: the bits' parity is the guess's
    packed[word(6)] = odd - P - Math.imul(SHIFT_BITS, M) + Math.imul(SHIFT_BITS, P);
    packed[word(7)] = even - odd;
    for (let e = 0; e < list; e++) {
      floats[word(8 + 2 * e)] = p[LINE + 2 * e] ?? NEVER_REACHED;
      floats[word(9 + 2 * e)] = p[LINE + 2 * e + 1] ?? 0;
    }
  }
  return [packed];
}
