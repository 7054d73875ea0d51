import { InvalidInputError } from '../errors.ts';
import { isRecord, kindOf } from '../kind_of.ts';
import type { SumsLayer, Pairs } from './engine.ts';

/** In a slot: no product. */
export const BLANK = -1;

const perTap = ({ inputChannels, groups }: SumsLayer): number => inputChannels / groups;

/** Products of an output. */
export const productsOf = (layer: SumsLayer): number => perTap(layer) * layer.kernel[0] * layer.kernel[1];

/**
 * Neighbours in the order kh, kw, c, an odd last one alone, saturated as vpmaddubsw does it: (0,1), (2,3), ...
 *
 * @throws InvalidInputError for what is no layer
 */
export function saturatingNeighbours(layer: SumsLayer): Pairs {
  const count = isRecord(layer) && Array.isArray(layer.kernel) ? productsOf(layer) : NaN;
  if (!Number.isSafeInteger(count))
    throw new InvalidInputError(`pairs are of a layer, as an engine is given it; got ${kindOf(layer)}`);
  const slots = Int32Array.from({ length: count + (count % 2) }, (_, k) => (k < count ? k : BLANK));
  return { slots, overflow: 'saturates', outside: 'zero point' };
}

/** Neighbouring channels of a tap, an odd last one alone: (c0,c1), (c2,-) of three channels. */
export function slotsWithinTaps(layer: SumsLayer): Int32Array {
  const channels = perTap(layer);
  const size = channels + (channels % 2);
  return Int32Array.from({ length: size * layer.kernel[0] * layer.kernel[1] }, (_, slot) => {
    const [tap, c] = [Math.floor(slot / size), slot % size];
    return c < channels ? tap * channels + c : BLANK;
  });
}

/**
 * How many slots each tap has, where the slots are in the order of the taps, and in a tap in that of the channels, blanks
 * behind them. Undefined where they are in another order.
 */
export function slotsPerTap(layer: SumsLayer, { slots }: Pairs): number | undefined {
  const channels = perTap(layer);
  const taps = layer.kernel[0] * layer.kernel[1];
  return [channels, Math.floor(slots.length / taps)].find((size) =>
    slots.every((product, slot) => {
      const [tap, c] = [Math.floor(slot / size), slot % size];
      return product === (tap < taps && c < channels ? tap * channels + c : BLANK);
    }),
  );
}

/** Are they those of saturatingNeighbours? */
export function areSaturatingNeighbours(layer: SumsLayer, pairs: Pairs): boolean {
  const { overflow, outside, rounds = false } = pairs;
  return overflow === 'saturates' && outside === 'zero point' && !rounds && slotsPerTap(layer, pairs) === perTap(layer);
}
