import { InvalidInputError } from '../errors.ts';
import { listOf } from '../kind_of.ts';
import { clamp, f32, roundHalfEven } from './rounding.ts';
import type { FloatLine, StepFunctions } from './semantics.ts';

/** The value of a line at an accumulator. */
function valueOnLine(line: FloatLine, accumulator: number): number {
  const value = f32(f32(accumulator + line.bias) * line.scale);
  return roundHalfEven(clamp(value, line.least - line.zeroPoint, line.most - line.zeroPoint)) + line.zeroPoint;
}

/**
 * Step functions that are lines of float32 values by definition: what `at` gives is made of `line`. A form that computes
 * such a line operation by operation is the same function, and no boundary has to be looked at.
 */
export class FloatLines implements StepFunctions {
  readonly channels: number;
  readonly min: number;
  readonly max: number;
  readonly #line: (channel: number) => Omit<FloatLine, 'least' | 'most'>;

  /**
   * Bounds of the values, an activation's clamp included, are the same in all channels.
   *
   * @throws InvalidInputError
   */
  constructor(
    channels: number,
    bounds: readonly [number, number],
    line: (channel: number) => Omit<FloatLine, 'least' | 'most'>,
  ) {
    const [min, max] = Array.isArray(bounds) ? (bounds as [number, number]) : [NaN, NaN];
    if (![channels, min, max].every(Number.isInteger) || channels < 1 || typeof line !== 'function')
      throw new InvalidInputError(
        `lines are made of a number of channels, [least, most] and a function; got ${listOf([channels, bounds, line])}`,
      );
    this.channels = channels;
    this.min = min;
    this.max = max;
    this.#line = line;
  }

  line(channel: number): FloatLine {
    const { bias, scale, zeroPoint } = this.#line(channel);
    return { bias, scale, zeroPoint, least: this.min, most: this.max };
  }

  at(channel: number): (accumulator: number) => number {
    const line = this.line(channel);
    return (accumulator) => valueOnLine(line, accumulator);
  }

  slope(channel: number): number {
    return this.#line(channel).scale;
  }
}
