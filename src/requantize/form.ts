import type { FloatLine } from '../engines/engine.ts';
import { clamp } from '../engines/rounding.ts';
import { CODES, codeAt, NEVER, type Boundaries } from './boundaries.ts';

/** int32 words of one channel, as the shader of the form reads them. */
export type FormParameters = readonly number[];

/**
 * A way to compute a requantization in a shader: `shaders/requantize/<name>.wgsl` and its host twin.
 * Every form maps an accumulator to a code (0 to 255) and is non-decreasing between the points that
 * the proof looks at, or corrects itself there.
 */
export interface RequantizeForm {
  readonly name: string;
  /** For people: what it computes. */
  readonly formula: string;
  /** What its shader reads, in binding order. */
  readonly buffers: readonly ('parameters' | 'boundaries')[];
  /** Words a channel. */
  readonly words: number;
  /** Does the shader read the boundaries themselves? */
  readonly table: boolean;
  /** A feature without which a device may not use it. */
  readonly needs?: 'nearestEven';
  /**
   * Parameters that should reproduce the channel's boundaries; undefined where there are none. Not trusted: see prove.
   *
   * @param line the engine's own arithmetic in codes (0 to 255), where it is a line of float32 values
   */
  fit(channel: ChannelBoundaries, slope: number, line?: FloatLine): FormParameters | undefined;
  /**
   * Parameters with which it computes a line operation by operation, over the accumulators from lo to hi. Where an engine's
   * functions are such lines (FloatLines), that is the proof.
   *
   * @param line in codes, as for `fit`
   */
  ofLine?(line: FloatLine, lo: number, hi: number): FormParameters | undefined;
  /** What the shader computes, u32 wrap-around and all. */
  evaluate(parameters: FormParameters, channel: ChannelBoundaries, accumulator: number): number;
  /** Accumulators at which it may leave its otherwise non-decreasing course: the proof looks at them and around them. */
  checkpoints?(parameters: FormParameters): readonly number[];
  /** The counts that its shader declares, for these channels. */
  counts?(channels: readonly FormParameters[]): Readonly<Record<string, number>>;
  /** The buffers the shader reads, where they are not [group of 4 channels][word][lane] and the boundaries. */
  pack?(channels: readonly FormParameters[]): Int32Array[];
}

/** One channel's boundaries, reduced to the accumulators where its code changes. */
export interface ChannelBoundaries {
  readonly lo: number;
  readonly hi: number;
  /** Code at `lo`. */
  readonly start: number;
  /** Ascending accumulators at which the code changes, and the code from there on. */
  readonly at: Int32Array;
  readonly codes: Uint8Array;
  /** The channel's 256 table entries. */
  readonly first: Int32Array;
}

const EVERY_CODE = Uint8Array.from({ length: CODES }, (_, code) => code);

export function channelBoundaries(boundaries: Boundaries, channel: number): ChannelBoundaries {
  const lo = boundaries.range.lo[channel]!;
  const hi = boundaries.range.hi[channel]!;
  const first = boundaries.first.subarray(channel * CODES, (channel + 1) * CODES);
  const start = codeAt(boundaries, channel, lo);
  let [end, skips] = [start + 1, false];
  for (; end < CODES && first[end] !== NEVER; end++) skips ||= first[end] === first[end - 1];
  let at = first.subarray(start + 1, end);
  let codes = EVERY_CODE.subarray(start + 1, end);
  // of codes that are reached together, the last one
  if (skips) {
    const isLast = (code: number): boolean => code === end - 1 || first[code + 1] !== first[code];
    codes = codes.filter(isLast);
    at = at.filter((_, k) => isLast(start + 1 + k));
  }
  return { lo, hi, start, at, codes, first };
}

/**
 * The part of the accumulator's range in which the code changes, as the line forms see it:
 * u = clamp(acc, origin, origin + span) - origin, so u = 0 is the last accumulator of the first code.
 */
export function changingPart(channel: ChannelBoundaries): { origin: number; span: number } {
  if (channel.at.length === 0) return { origin: channel.lo, span: 0 };
  const origin = channel.at[0]! - 1;
  return { origin, span: channel.at.at(-1)! - origin };
}

/** The u at which a line has the first code, and the last: without one the line may go on, and is clamped there. */
type Ends = readonly [first: number | undefined, last: number | undefined];

/**
 * The integers r for which floor((u * m + r) / 2^s) has exactly the channel's boundaries; every
 * product stays below 2^53, so doubles are exact.
 *
 * @returns [smallest, largest] r, or undefined where there is none
 */
function offsetsOfLine(
  channel: ChannelBoundaries,
  m: number,
  s: number,
  [first, last]: Ends,
): readonly [number, number] | undefined {
  const { origin } = changingPart(channel);
  const unit = 2 ** s;
  const { at, codes, start } = channel;
  let least = first === undefined ? -Infinity : start * unit - first * m;
  let most = last === undefined ? Infinity : ((codes.at(-1) ?? start) + 1) * unit - 1 - last * m;
  for (let k = 0; k < at.length && least <= most; k++) {
    const u = at[k]! - origin;
    const before = k === 0 ? start : codes[k - 1]!;
    least = Math.max(least, codes[k]! * unit - u * m);
    most = Math.min(most, (before + 1) * unit - 1 - (u - 1) * m);
  }
  return least <= most ? [least, most] : undefined;
}

/** Doubles hold u * m + r exactly below 2^53. */
const EXACT = 2 ** 52;

/**
 * The first line (m, r, s) that has exactly the channel's boundaries, among the multipliers nearest to
 * the slope; shifts are tried from `most` down to `least`.
 *
 * @param admits can the form compute this line without overflow, for u up to `span`? Asked with r = 0 first
 * @param ends default: 0 and `span`, for forms that clamp u
 * @param wanted the r to be as near to as can be; default: the smallest
 */
export function fitLine(
  channel: ChannelBoundaries,
  slope: number,
  [most, least]: readonly [number, number],
  admits: (m: number, r: number, span: number) => boolean,
  ends?: Ends,
  wanted?: (m: number, s: number) => number,
): { m: number; r: number; s: number } | undefined {
  const { span } = changingPart(channel);
  for (let s = most; s >= least; s--) {
    const exact = slope * 2 ** s;
    for (const m of [Math.floor(exact), Math.ceil(exact)]) {
      if (m * span >= EXACT || 2 ** s * CODES >= EXACT || !admits(m, 0, span)) continue;
      const offsets = offsetsOfLine(channel, m, s, ends ?? [0, span]);
      const r = offsets && (wanted ? clamp(Math.round(wanted(m, s)), ...offsets) : offsets[0]);
      if (r !== undefined && admits(m, r, span)) return { m, r, s };
    }
  }
  return undefined;
}
