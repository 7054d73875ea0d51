import type { LinearLayer, Pairs } from '../../src/engines/engine.ts';
import { slotsPerTap } from '../../src/engines/pairs.ts';

/** Which products are pairs, for people. */
export function describePairing(layer: LinearLayer, pairs: Pairs): string {
  const size = slotsPerTap(layer, pairs);
  const order =
    size === layer.inputChannels / layer.groups
      ? 'neighbours in the order row, column, channel'
      : size === undefined
        ? "products in the engine's own order"
        : 'neighbouring channels of each tap of the kernel';
  return order + (pairs.outside === 'nothing' ? ' (what lies outside of the picture takes no part)' : '');
}
