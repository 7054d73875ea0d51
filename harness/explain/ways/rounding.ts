import { f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import { dimension, waysOf, type Choice, type Dimension, type Ways } from '../problem.ts';
import type { ClampChoice } from './clamp.ts';

interface RoundingChoice extends Choice {
  /** @param multiplier of the channel, approximately: fixed point that rounds twice depends on its exponent */
  readonly of: (multiplier: number, channel: number) => (value: number) => number;
}

const way = waysOf('rounding');
const halfAway = (v: number): number => (v < 0 ? -Math.floor(0.5 - v) : Math.floor(v + 0.5));
const halfUp = (v: number): number => Math.floor(v + 0.5);

const once = (id: string, detail: string, round: (value: number) => number): RoundingChoice =>
  way(id, detail, { of: () => round });

/**
 * A product of 31 bits rounded half up, then a rounding shift by rs: gemmlowp's, with a multiplier m in [1/2, 1) and
 * scale m / 2^rs.
 */
const twice = (second: (value: number) => number) => ({
  of(multiplier: number) {
    const unit = 2 ** Math.max(0, -Math.floor(Math.log2(multiplier)) - 1);
    return (value: number): number => second(halfUp(value * unit) / unit);
  },
});

const DOUBLE: readonly RoundingChoice[] = [
  way('double', 'rounded twice (gemmlowp), the second time ties away from zero', twice(halfAway)),
  way('double-up', 'rounded twice (gemmlowp), the second time ties up', twice(halfUp)),
];

/** Channels that TensorFlow Lite's vector instructions take at a time. */
const BLOCK = 8;

/** @param channels of the layer, where blocks of them are rounded otherwise than what is left over */
const inBlocks = (channels: number): RoundingChoice =>
  way(
    'double-blocks',
    'rounded twice (gemmlowp), ties up in whole blocks of 8 channels, away from zero behind the last',
    {
      of: (multiplier: number, channel: number) =>
        twice(channel < channels - (channels % BLOCK) ? halfUp : halfAway).of(multiplier),
    },
  );

/** @param reference an id: where that is one of fixed point, so are the likeliest others */
function roundings(isFixedPoint: boolean, channels: number, reference: string): RoundingChoice[] {
  const all = allRoundings(isFixedPoint, channels);
  const isTwice = ({ id }: RoundingChoice): boolean => id.startsWith('double');
  if (!all.some((choice) => choice.id === reference && isTwice(choice))) return all;
  const likely = all.filter((choice) => isTwice(choice) || choice.id === 'up');
  return [...likely, ...all.filter((choice) => !likely.includes(choice))];
}

const allRoundings = (isFixedPoint: boolean, channels: number): RoundingChoice[] => [
  once('even', 'to nearest, ties to even', roundHalfEven),
  once('away', 'to nearest, ties away from zero', halfAway),
  once('up', 'rounded once, to nearest, ties up (add a half and shift)', halfUp),
  once('floor', 'rounded down (a shift alone)', Math.floor),
  once('truncate', 'truncated toward zero', Math.trunc),
  ...(isFixedPoint ? [...DOUBLE, inBlocks(channels)] : []),
  once('down', 'to nearest, ties down', (v) => Math.ceil(v - 0.5)),
  once('ceil', 'rounded up', Math.ceil),
];

interface OrderChoice extends Choice {
  readonly before: boolean;
}

const order = waysOf('zero-point-order');

const ORDERS: readonly OrderChoice[] = [
  order('after', 'the zero point is added after rounding', { before: false }),
  order('before', 'the zero point is added before rounding', { before: true }),
];

/** The last steps of every operator. */
interface Ending extends Readonly<Record<string, Dimension>> {
  readonly order: Dimension<OrderChoice>;
  readonly rounding: Dimension<RoundingChoice>;
  readonly clamp: Dimension<ClampChoice>;
}

/**
 * @param reference how the reference does them: ids
 * @param isFixedPoint may a fixed-point multiplier have made the value?
 * @param channels of such a layer
 */
export function endingOf(
  reference: { readonly order: string; readonly rounding: string; readonly clamp: string },
  clamps: readonly ClampChoice[],
  isFixedPoint = false,
  channels = 1,
): Ending {
  return {
    order: dimension(ORDERS, reference.order),
    rounding: dimension(roundings(isFixedPoint, channels, reference.rounding), reference.rounding),
    clamp: dimension(clamps, reference.clamp),
  };
}

/** From a value in units of the output to the output. */
export function finish(
  { order, rounding, clamp }: Ways<Ending>,
  zeroPoint: number,
  float32: boolean,
  { before = order.before, multiplier = 1, channel = 0 } = {},
): (value: number) => number {
  const round = rounding.of(multiplier, channel);
  if (!before) return (value) => clamp.of(round(value) + zeroPoint);
  return (value) => clamp.of(round(float32 ? f32(value + zeroPoint) : value + zeroPoint));
}
