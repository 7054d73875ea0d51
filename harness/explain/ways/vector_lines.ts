import { Lines, type Line } from '../../vectors/line.ts';
import { clamp } from '../../../src/engines/rounding.ts';
import type { LinearLayer } from '../../../src/engines/engine.ts';
import { modelBias, type BiasedFunctions } from '../../vectors/biased.ts';
import { waysOf } from '../problem.ts';
import type { ScaleChoice } from './scale.ts';

/** `exact8 vectors --multiplier-bits`: those that docs/vectors.md has, the default first. */
const BITS = [31, 16, 24, 18, 12, 8];

const scale = waysOf('scale');
const rounding = waysOf('rounding');

/** What a line gives, its zero point taken out; doubles hold products and sums exactly. */
const unitsOf =
  ({ multiplier, offset, shift }: Line, zeroPoint: number) =>
  (sum: number): number =>
    (sum * multiplier + offset) / 2 ** shift - zeroPoint;

/** The integer bias goes with them, where a bias is none of the other ways. */
function choicesOf(biased: BiasedFunctions, suffix = '', how = ''): ScaleChoice[] {
  const { bias, zeroPoint, functions, min } = biased;
  const lines = new Lines(biased);
  return BITS.flatMap((bits) => {
    const known: Line[] = [];
    const lineOf = (channel: number): Line => (known[channel] ??= lines.of(channel, bits));
    const of = (scaled: (line: Line, channel: number) => (sum: number) => number) => ({
      float32: false,
      rare: true as const,
      integerBias: (channel: number) => bias[channel]!,
      of: (_: unknown, channel: number) => scaled(lineOf(channel), channel),
    });
    const width = `of ${bits} bits`;
    let areCorrected: boolean | undefined;
    /** All of it. Where one channel needs the correction, all have it. */
    const whole = (line: Line, channel: number): ((sum: number) => number) => {
      const units = unitsOf(line, zeroPoint);
      const [least, most] = [functions.min - zeroPoint, functions.max - zeroPoint];
      areCorrected ??= bias.some((_, c) => !lineOf(c).exact);
      if (!areCorrected) return (sum) => Math.floor(units(sum));
      const table = lines.tableOf(channel);
      return (sum) => {
        const value = clamp(Math.floor(units(sum)), least, most);
        return value < most && sum - bias[channel]! >= table[value + zeroPoint - min]! ? value + 1 : value;
      };
    };
    return [
      scale(
        `vectors-${bits}${suffix}`,
        `requantization is that of exact8 vectors (multiplier ${width})${how}, which is the reference's as far as sums can reach`,
        of(whole),
      ),
      scale(
        `vectors-line-${bits}${suffix}`,
        `multiplier ${width}, offset and shift are those of exact8 vectors${how}, of exact lines less a half`,
        of((line) => {
          const units = unitsOf(line, zeroPoint);
          return (sum) => units(sum) - (line.exact ? 0.5 : 0);
        }),
      ),
      // what their correction is for: their lines are half a unit lower
      rounding(
        `vectors-uncorrected-${bits}${suffix}`,
        `channels whose line (exact8 vectors, multiplier ${width}${how}) is not exact are rounded down: their correction is left out`,
        of((line) => {
          const units = unitsOf(line, zeroPoint);
          return (sum) => Math.floor(units(sum));
        }),
      ),
      scale(
        `vectors-multiplier-${bits}${suffix}`,
        `multiplier ${width} and shift are those of exact8 vectors${how}, without its offset`,
        of(({ multiplier, shift }) => {
          const factor = multiplier / 2 ** shift;
          return (sum) => sum * factor;
        }),
      ),
    ];
  });
}

/**
 * Requantization by what `exact8 vectors` writes for a layer: all of it (which tells where a bias takes sums out of reach);
 * its line with another rounding (an exact line rounds by half a unit in its offset, the others by their correction); its
 * line without the correction; its multiplier and shift alone.
 * An exact line's offset is free within bounds: where the engine rounds a float bias to an integer, it may be as near as can
 * be to what the engine adds, or to what the model has.
 */
export function vectorLineChoices(biased: BiasedFunctions, layer: LinearLayer): ScaleChoice[] {
  const remainder = modelBias(layer).map((real, c) => real - biased.bias[c]!);
  const isSame = remainder.every((left, c) => left === biased.remainder[c]);
  return [
    ...choicesOf(biased),
    ...(isSame ? [] : choicesOf({ ...biased, remainder }, '-model-bias', " for the model's own bias")),
  ];
}
