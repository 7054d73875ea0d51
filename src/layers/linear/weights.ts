import { ofChannel } from '../../graph/graph.ts';
import type { SumsLayer, Pairs } from '../../engines/engine.ts';
import { BLANK } from '../../engines/pairs.ts';
import type { Linear } from '../layer.ts';

export const weightZero = (layer: SumsLayer, channel: number): number => ofChannel(layer.weightZeroPoint, channel);

export const weightsPerChannel = ({ layer }: Linear): number =>
  (layer.inputChannels / layer.groups) * layer.kernel[0] * layer.kernel[1];

/** The sum of consecutive weights less their zero point, and the sum of their magnitudes. */
export function sumsOf(
  weights: ArrayLike<number>,
  zero: number,
  from: number,
  to: number,
): { sum: number; absolute: number } {
  let [sum, absolute] = [0, 0];
  for (let k = from; k < to; k++) {
    const w = weights[k]! - zero;
    sum += w;
    absolute += Math.abs(w);
  }
  return { sum, absolute };
}

/** One output channel's raw weights in the order ky, kx, c. */
export function rawWeights(linear: Linear, o: number): Int32Array {
  const perGroup = linear.layer.inputChannels / linear.layer.groups;
  const taps = linear.layer.kernel[0] * linear.layer.kernel[1];
  return Int32Array.from(
    { length: taps * perGroup },
    (_, k) => linear.weights[(o * perGroup + (k % perGroup)) * taps + Math.floor(k / perGroup)]!,
  );
}

/**
 * The slots of pairs, and one channel's weights in them. What zero points of weights take off stands in slots of its own
 * behind, one a product: -zw * x alone does not leave int16.
 */
export function slotWeights(
  linear: Linear,
  { slots }: Pairs,
): { readonly products: Int32Array; readonly weightsOf: (channel: number) => Int32Array } {
  const behind = linear.layer.weightZeroPoint.some(Boolean) ? 2 * weightsPerChannel(linear) : 0;
  const products = new Int32Array(slots.length + behind).fill(BLANK);
  products.set(slots);
  for (let slot = 0; slot < behind; slot += 2) products[slots.length + slot] = slot / 2;
  const weightsOf = (channel: number): Int32Array => {
    const raw = rawWeights(linear, channel);
    const zero = weightZero(linear.layer, channel);
    return products.map((product, slot) => (product === BLANK ? 0 : slot < slots.length ? raw[product]! : -zero));
  };
  return { products, weightsOf };
}
