import { FloatLines } from '../engines/float_lines.ts';
import type { FloatLine, StepFunctions } from '../engines/engine.ts';
import { findBoundaries, type AccumulatorRange, type Boundaries } from './boundaries.ts';
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
interface Counterexample {
  readonly accumulator: number;
  readonly expected: number;
  readonly got: number;
}

/** What is proved of a form. */
type Evaluated = Pick<RequantizeForm, 'evaluate' | 'checkpoints'>;

/**
 * Proves that a form has the channel's boundaries and no others: it is evaluated at both ends of every
 * plateau, and around the points where it has exceptions. Between them a line cannot leave the plateau,
 * because it is non-decreasing; a corrected guess cannot either, because the guess is, and at both ends it
 * is the code or one below.
 *
 * @returns undefined where it is proved, else the first accumulator that refutes it
 */
export function refute(
  form: Evaluated,
  parameters: FormParameters,
  channel: ChannelBoundaries,
): Counterexample | undefined {
  const wrong = firstWrong(form, parameters, channel);
  if (wrong === undefined) return undefined;
  return {
    accumulator: wrong,
    expected: trueCode(channel, wrong),
    got: form.evaluate(parameters, channel, wrong),
  };
}

function firstWrong(form: Evaluated, parameters: FormParameters, channel: ChannelBoundaries): number | undefined {
  const { at, codes, start, lo, hi } = channel;
  if (form.evaluate(parameters, channel, lo) !== start) return lo;
  let before = start;
  for (let k = 0; k < at.length; k++) {
    const boundary = at[k]!;
    const code = codes[k]!;
    if (form.evaluate(parameters, channel, boundary - 1) !== before) return boundary - 1;
    if (form.evaluate(parameters, channel, boundary) !== code) return boundary;
    before = code;
  }
  if (form.evaluate(parameters, channel, hi) !== before) return hi;
  return form
    .checkpoints?.(parameters)
    .flatMap((point) => [point - 1, point, point + 1])
    .filter((point) => point >= lo && point <= hi)
    .find((point) => form.evaluate(parameters, channel, point) !== trueCode(channel, point));
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
  /** How many (channel, boundary) pairs were checked; absent where the form is the engine's own line. */
  readonly boundaries?: number;
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

/** A form that is the engine's own line has its boundaries: there is nothing to look for. */
function takeLines(
  form: RequantizeForm,
  lines: FloatLines,
  { lo, hi }: AccumulatorRange,
  min: number,
): { parameters: FormParameters[] } | undefined {
  const parameters: FormParameters[] = [];
  for (let channel = 0; channel < lines.channels; channel++) {
    const own = form.ofLine?.(inCodes(lines.line(channel), min), lo[channel]!, hi[channel]!);
    if (!own) return undefined;
    parameters.push(own);
  }
  return { parameters };
}

function inCodes(line: FloatLine, min: number): FloatLine {
  const { bias, scale, zeroPoint, least, most } = line;
  return { bias, scale, zeroPoint: zeroPoint - min, least: least - min, most: most - min };
}

function countBoundaries(channels: readonly ChannelBoundaries[]): number {
  return channels.reduce((sum, { start, codes }) => sum + (codes.at(-1) ?? start), 0);
}

/**
 * Proves the cheapest form that is a layer's requantization in every channel: by its boundaries, to which the layer is
 * reduced for that, or because it is the engine's own line.
 *
 * @param min the smallest value of the output's type
 */
export function proveRequantization(
  functions: StepFunctions,
  range: AccumulatorRange,
  min: number,
  forms: readonly RequantizeForm[] = formsInOrder([], {}),
): ProvedRequantization {
  const line = (channel: number): FloatLine | undefined => {
    const given = functions.line?.(channel);
    return given && inCodes(given, min);
  };
  const slope = (channel: number): number => functions.slope(channel);
  let found: { readonly boundaries: Boundaries; readonly channels: readonly ChannelBoundaries[] } | undefined;
  const find = () => {
    const boundaries = findBoundaries(functions, range, min);
    const channels = Array.from({ length: boundaries.channels }, (_, c) => channelBoundaries(boundaries, c));
    return { boundaries, channels };
  };
  const rejected: { form: string; channel: number; reason: string }[] = [];
  for (const form of forms) {
    const own = functions instanceof FloatLines ? takeLines(form, functions, range, min) : undefined;
    if (own) return { form: form.name, channels: functions.channels, ...own, table: new Int32Array(0), rejected };
    found ??= find();
    const proof = proveForm(form, found.channels, slope, line);
    if ('reason' in proof) {
      rejected.push({ form: form.name, ...proof });
      continue;
    }
    return {
      form: form.name,
      channels: functions.channels,
      parameters: proof.parameters,
      table: form.table ? found.boundaries.first : new Int32Array(0),
      boundaries: countBoundaries(found.channels),
      rejected,
    };
  }
  throw new Error('no form could be proved, not even the search'); // the list ends with one that always can
}
