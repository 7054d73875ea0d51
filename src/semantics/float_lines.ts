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

  /** Bounds of the values, an activation's clamp included, are the same in all channels. */
  constructor(
    channels: number,
    [min, max]: readonly [number, number],
    line: (channel: number) => Omit<FloatLine, 'least' | 'most'>,
  ) {
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
