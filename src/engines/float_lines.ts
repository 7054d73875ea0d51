import { InvalidInputError } from '../errors.ts';
import { listOf } from '../kind_of.ts';
import { clamp, f32, INT32_END, roundHalfEven } from './rounding.ts';
import type { FloatLine, StepFunctions } from './engine.ts';

/** The float32 value of a line at an accumulator; accumulator and bias are added in int32, which wraps around. */
const valueOnLine = ({ bias, scale }: FloatLine, accumulator: number): number =>
  f32(f32((accumulator + bias) | 0) * scale);

/** The last accumulator from `first` to `last` whose value, which does not decrease, is below `end`. */
export function lastBelow(value: (accumulator: number) => number, end: number, first: number, last: number): number {
  if (!(value(last) >= end)) return last;
  let [low, high] = [first - 1, last];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (value(middle) >= end) high = middle;
    else low = middle;
  }
  return low;
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
  readonly #end: number;

  /**
   * Bounds of the values, an activation's clamp included, are the same in all channels.
   *
   * @param end products from here on become the smallest integer
   * @throws InvalidInputError
   */
  constructor(
    channels: number,
    bounds: readonly [number, number],
    line: (channel: number) => Omit<FloatLine, 'least' | 'most'>,
    end = Infinity,
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
    this.#end = end;
  }

  line(channel: number): FloatLine {
    const { bias, scale, zeroPoint } = this.#line(channel);
    return { bias, scale, zeroPoint, least: this.min, most: this.max };
  }

  at(channel: number): (accumulator: number) => number {
    const line = this.line(channel);
    const { zeroPoint, least, most } = line;
    return (accumulator) => {
      const value = valueOnLine(line, accumulator);
      return value >= this.#end ? least : roundHalfEven(clamp(value, least - zeroPoint, most - zeroPoint)) + zeroPoint;
    };
  }

  rises(channel: number): readonly [number, number] {
    const line = this.line(channel);
    const first = -INT32_END - Math.min(line.bias, 0);
    const last = INT32_END - 1 - Math.max(line.bias, 0);
    return [first, lastBelow((accumulator) => valueOnLine(line, accumulator), this.#end, first, last)];
  }

  slope(channel: number): number {
    return this.#line(channel).scale;
  }
}
