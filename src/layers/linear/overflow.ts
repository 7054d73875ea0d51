import { InvalidInputError } from '../../errors.ts';
import type { Accumulation, SumsLayer, Pairs } from '../../engines/engine.ts';
import { BLANK, productsOf } from '../../engines/pairs.ts';
import type { GraphNode } from '../../graph/graph.ts';
import { kindOf } from '../../kind_of.ts';
import { label, refuse, type OpContext } from '../operator.ts';
import type { Linear } from '../layer.ts';
import { rawWeights, weightZero } from './weights.ts';

/** From here on, not every integer is a float32 value. */
const FLOAT32_INTEGERS = 2 ** 24;
/** Float32 values below 2^31 are at most 128 apart: what rounding moves a sum by, and two of them their difference. */
const ROUNDING = 2 * 64;
/**
 * How far a wrapped pair's sum is below the least of what the same two weights of -128 sum to without, where their zero point
 * is `zero`: -2^15 + 2 * 128 * zero, not 2 * 127 * (-128 - zero).
 */
const wrappedBelow = (zero: number): number => Math.max(0, 256 - 510 * zero);

/** How a layer's sums are made. */
export interface EffectiveSums {
  /** The engine's, or 'exact' where no input makes a difference. */
  readonly accumulation: Accumulation;
  /** Output channels in which some input makes a pair of products leave int16. */
  readonly overflowingChannels: number;
  /** By how much a channel's sum can lie below and above all exact ones. */
  readonly beyond: (channel: number) => readonly [below: number, above: number];
}

const EXACT: EffectiveSums = { accumulation: 'exact', overflowingChannels: 0, beyond: () => [0, 0] };

/** Is there one slot for each product? */
function hasSlots({ slots }: Pairs, layer: SumsLayer): boolean {
  const products = slots.filter((product) => product !== BLANK).sort();
  return (
    slots.length % 2 === 0 && products.length === productsOf(layer) && products.every((product, k) => product === k)
  );
}

/** Pairs of one channel's weights that leave int16 with some input. */
function overflowing({ slots, overflow }: Pairs, w: Int32Array): number {
  const leaves =
    overflow === 'wraps'
      ? (first: number, second: number) => first === -128 && second === -128
      : (first: number, second: number) =>
          255 * (Math.max(first, 0) + Math.max(second, 0)) > 32767 ||
          255 * (Math.min(first, 0) + Math.min(second, 0)) < -32768;
  let count = 0;
  for (let slot = 0; slot < slots.length; slot += 2)
    count += Number(leaves(w[slots[slot]!] ?? 0, w[slots[slot + 1]!] ?? 0));
  return count;
}

/** The largest magnitude of a sum of raw uint8 values times these weights. */
function largestSum(w: Int32Array): number {
  const above = w.reduce((sum, v) => sum + Math.max(v, 0), 0);
  const below = w.reduce((sum, v) => sum + Math.min(v, 0), 0);
  return 255 * Math.max(above, -below);
}

/**
 * How an engine makes a layer's sums, as far as it can be seen.
 *
 * @throws UnsupportedModelError where what the sums are is not known
 */
export function effectiveSums(node: GraphNode, { engine }: OpContext, linear: Linear): EffectiveSums {
  const { layer } = linear;
  const accumulation = engine.accumulation(layer);
  if (accumulation === 'exact') return EXACT;
  if (!(accumulation?.slots instanceof Int32Array) || !hasSlots(accumulation, layer))
    throw new InvalidInputError(
      `${label(node)}: engine '${engine.name}' accumulates by ${kindOf(accumulation)}; ` +
        "supported: 'exact', and pairs with one slot for each product",
    );
  const { overflow, rounds = false } = accumulation;
  const weights = Array.from({ length: layer.outputChannels }, (_, o) => rawWeights(linear, o));
  const pairs = weights.map((w) => overflowing(accumulation, w));
  const overflowingChannels = pairs.filter((count) => count > 0).length;
  const isRaw = overflow === 'saturates' || rounds;
  if (!isRaw && overflowingChannels === 0) return EXACT;
  const hasZeros = layer.weightZeroPoint.some(Boolean);
  if (!linear.weightSigned || (isRaw && (layer.input.type !== 'uint8' || hasZeros)))
    return refuse(
      node,
      `engine '${engine.name}' adds products in pairs of 16 bits here`,
      isRaw ? 'uint8 inputs and int8 weights with zero point 0 for it' : 'int8 weights for it',
    );
  const largest = rounds ? weights.reduce((most, w) => Math.max(most, largestSum(w)), 0) : 0;
  if (largest > 2 ** 31 - ROUNDING)
    return refuse(node, `engine '${engine.name}' rounds sums of up to ${largest} to float32 here`, 'sums in int32');
  const isRounded = largest > FLOAT32_INTEGERS;
  if (overflowingChannels === 0 && !isRounded) return EXACT;
  const rounding = isRounded ? ROUNDING : 0;
  return {
    accumulation: { ...accumulation, rounds: isRounded },
    overflowingChannels,
    beyond: (channel) => {
      const wrapped = overflow === 'wraps' ? pairs[channel]! * wrappedBelow(weightZero(layer, channel)) : 0;
      return [rounding + wrapped, rounding];
    },
  };
}
