import type { FloatLine, StepFunctions } from '../semantics/semantics.ts';
import { CODES, findBoundaries, NEVER, type AccumulatorRange, type Boundaries } from './boundaries.ts';
import { channelBoundaries, type ChannelBoundaries, type FormParameters, type RequantizeForm } from './form.ts';
import { nearestEven } from './forms/nearest_even.ts';
import { checkedLine } from './forms/checked_line.ts';
import { correctedGuess } from './forms/corrected_guess.ts';
import { floatGuess } from './forms/float_guess.ts';
import { multiplyShift } from './forms/multiply_shift.ts';
import { search } from './forms/search.ts';
import { twoLimbs } from './forms/two_limbs.ts';
import { wideMultiply } from './forms/wide_multiply.ts';

/** Cheapest first; the last one always holds. */
export const FORMS: readonly RequantizeForm[] = [
  multiplyShift,
  twoLimbs,
  nearestEven,
  checkedLine,
  wideMultiply,
  correctedGuess,
  floatGuess,
  search,
];

/**
 * All forms that a device may use: those named first, in that order; then the others, the last one being the one
 * that always holds.
 */
export function formsInOrder(
  names: readonly string[],
  features: { readonly nearestEven?: boolean },
): readonly RequantizeForm[] {
  const rank = ({ name }: RequantizeForm): number => (names.includes(name) ? names.indexOf(name) : names.length);
  return FORMS.filter(({ needs }) => !needs || features[needs]).sort((a, b) => rank(a) - rank(b));
}

/** Where a form gives another code than the engine. */
export interface Counterexample {
  readonly channel: number;
  readonly accumulator: number;
  readonly expected: number;
  readonly got: number;
}

/**
 * Proves that a form has the channel's boundaries and no others: it is evaluated at both ends of every
 * plateau, and around the points where it has exceptions. Between them a line cannot leave the plateau,
 * because it is non-decreasing; a corrected guess cannot either, because the guess is, and at both ends it
 * is the code or one below.
 *
 * @returns undefined where it is proved, else the first accumulator that refutes it
 */
export function refute(
  form: RequantizeForm,
  parameters: FormParameters,
  channel: ChannelBoundaries,
): { accumulator: number; expected: number; got: number } | undefined {
  const { at, codes, start, lo, hi } = channel;
  let wrong: number | undefined;
  const isWrong = (accumulator: number, expected: number): boolean => {
    if (form.evaluate(parameters, channel, accumulator) === expected) return false;
    wrong = accumulator;
    return true;
  };
  let failed = isWrong(lo, start);
  for (let k = 0; k < at.length && !failed; k++)
    failed = isWrong(at[k]! - 1, k === 0 ? start : codes[k - 1]!) || isWrong(at[k]!, codes[k]!);
  failed ||= isWrong(hi, codes.at(-1) ?? start);
  failed ||= (form.checkpoints?.(parameters) ?? [])
    .flatMap((point) => [point - 1, point, point + 1])
    .some((point) => point >= lo && point <= hi && isWrong(point, trueCode(channel, point)));
  if (!failed) return undefined;
  const accumulator = wrong!;
  const got = form.evaluate(parameters, channel, accumulator);
  return { accumulator, expected: trueCode(channel, accumulator), got };
}

function trueCode({ at, codes, start }: ChannelBoundaries, accumulator: number): number {
  const passed = at.findLastIndex((boundary) => boundary <= accumulator);
  return passed < 0 ? start : codes[passed]!;
}

/** A form proved for every channel of a layer, ready for a pipeline. */
export interface ProvedRequantization {
  readonly form: string;
  readonly channels: number;
  /** form.words a channel. */
  readonly parameters: readonly FormParameters[];
  /** channels * 256 entries; empty where the form reads none. */
  readonly table: Int32Array;
  /** How many (channel, boundary) pairs were checked. */
  readonly boundaries: number;
  /** For each cheaper form, why it was not taken. */
  readonly rejected: readonly { readonly form: string; readonly channel: number; readonly reason: string }[];
}

/** Fits a form to every channel and proves it, or says which channel refuses it. */
export function proveForm(
  form: RequantizeForm,
  channels: readonly ChannelBoundaries[],
  slope: (channel: number) => number,
  line?: (channel: number) => FloatLine | undefined,
): { parameters: FormParameters[] } | { channel: number; reason: string } {
  const parameters: FormParameters[] = [];
  for (const [channel, boundaries] of channels.entries()) {
    const fitted = form.fit(boundaries, slope(channel), line?.(channel));
    if (!fitted) return { channel, reason: 'no parameters fit its boundaries' };
    const counter = refute(form, fitted, boundaries);
    if (counter)
      return {
        channel,
        reason: `gives ${counter.got}, not ${counter.expected}, at accumulator ${counter.accumulator}`,
      };
    parameters.push(fitted);
  }
  return { parameters };
}

function countBoundaries({ first }: Boundaries): number {
  let count = 0;
  for (let i = 0; i < first.length; i++) if (i % CODES > 0 && first[i] !== NEVER) count++;
  return count;
}

/**
 * Reduces a layer's requantization to its boundaries and proves the cheapest form that has them in every channel.
 *
 * @param min the smallest value of the output's type
 */
export function proveRequantization(
  functions: StepFunctions,
  range: AccumulatorRange,
  min: number,
  forms: readonly RequantizeForm[] = formsInOrder([], {}),
): ProvedRequantization {
  const inCodes = (channel: number): FloatLine | undefined => {
    const line = functions.line?.(channel);
    return line && { ...line, zeroPoint: line.zeroPoint - min, least: functions.min - min, most: functions.max - min };
  };
  const boundaries: Boundaries = findBoundaries(functions, range, min);
  const channels = Array.from({ length: boundaries.channels }, (_, c) => channelBoundaries(boundaries, c));
  const rejected: { form: string; channel: number; reason: string }[] = [];
  for (const form of forms) {
    const proof = proveForm(form, channels, (channel) => functions.slope(channel), inCodes);
    if ('reason' in proof) {
      rejected.push({ form: form.name, ...proof });
      continue;
    }
    return {
      form: form.name,
      channels: boundaries.channels,
      parameters: proof.parameters,
      table: form.table ? boundaries.first : new Int32Array(0),
      boundaries: countBoundaries(boundaries),
      rejected,
    };
  }
  throw new Error('no form could be proved, not even the search'); // the list ends with one that always can
}
