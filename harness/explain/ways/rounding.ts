import { roundHalfEven } from '../../../src/engines/rounding.ts';
import type { Choice } from '../problem.ts';

export interface RoundingChoice extends Choice {
  /** @param multiplier of the channel, approximately: fixed point that rounds twice depends on its exponent */
  readonly of: (multiplier: number) => (value: number) => number;
}

const kind = 'rounding';
const halfAway = (v: number): number => (v < 0 ? -Math.floor(0.5 - v) : Math.floor(v + 0.5));
const halfUp = (v: number): number => Math.floor(v + 0.5);

const always = (round: (value: number) => number) => () => round;

/**
 * A product of 31 bits rounded half up, then a rounding shift by rs: gemmlowp's, with a multiplier m in [1/2, 1) and
 * scale m / 2^rs.
 */
const twice = (second: (value: number) => number) => (multiplier: number) => {
  const unit = 2 ** Math.max(0, -Math.floor(Math.log2(multiplier)) - 1);
  return (value: number): number => second(halfUp(value * unit) / unit);
};

export const ROUNDINGS: readonly RoundingChoice[] = [
  { id: 'even', kind, detail: 'to nearest, ties to even', of: always(roundHalfEven) },
  { id: 'away', kind, detail: 'to nearest, ties away from zero', of: always(halfAway) },
  { id: 'up', kind, detail: 'to nearest, ties up (add a half and shift)', of: always(halfUp) },
  { id: 'floor', kind, detail: 'rounded down (a shift alone)', of: always(Math.floor) },
  { id: 'truncate', kind, detail: 'truncated toward zero', of: always(Math.trunc) },
  { id: 'double', kind, detail: 'rounded twice (gemmlowp), the second time ties away from zero', of: twice(halfAway) },
  { id: 'double-up', kind, detail: 'rounded twice (gemmlowp), the second time ties up', of: twice(halfUp) },
  { id: 'down', kind, detail: 'to nearest, ties down', of: always((v) => Math.ceil(v - 0.5)) },
  { id: 'ceil', kind, detail: 'rounded up', of: always(Math.ceil) },
];
