import type { Case } from '../../harness/cases/case.ts';
import { Tensor } from '../../src/tensor.ts';
import type { ElementData } from '../../src/graph/graph.ts';
import type { Accumulation, Engine, LinearLayer, Pairs } from '../../src/engines/engine.ts';
import { BLANK, productsOf, slotsWithinTaps } from '../../src/engines/pairs.ts';

/** Products in blocks of some slots, and which of a block each slot holds. */
function inBlocks(layer: LinearLayer, size: number, place: (slot: number) => number): Int32Array {
  const count = productsOf(layer);
  return Int32Array.from({ length: Math.ceil(count / size) * size }, (_, slot) => {
    const product = slot - (slot % size) + place(slot % size);
    return product < count ? product : BLANK;
  });
}

const halves = (layer: LinearLayer): Int32Array => inBlocks(layer, 16, (slot) => (slot >> 1) + 8 * (slot % 2));
const crossed = (layer: LinearLayer): Int32Array => inBlocks(layer, 4, (slot) => (slot >> 1) + 2 * (slot % 2));
const neighbours = (layer: LinearLayer): Int32Array => inBlocks(layer, 2, (slot) => slot);

const PAIRINGS: readonly ((layer: LinearLayer) => Pairs)[] = [
  (layer) => ({ slots: neighbours(layer), overflow: 'saturates', outside: 'nothing' }),
  (layer) => ({ slots: neighbours(layer), overflow: 'wraps', outside: 'zero point' }),
  (layer) => ({ slots: slotsWithinTaps(layer), overflow: 'saturates', outside: 'nothing', rounds: true }),
  (layer) => ({ slots: halves(layer), overflow: 'wraps', outside: 'zero point' }),
  (layer) => ({ slots: halves(layer), overflow: 'saturates', outside: 'zero point', rounds: true }),
  (layer) => ({ slots: crossed(layer), overflow: 'saturates', outside: 'nothing', rounds: true }),
];

export const PAIRING_COUNT = PAIRINGS.length;

/** An engine of no machine: another one with pairs that few or none have, in layers that may have them. */
export function pairingEngine(base: Engine, index: number): Engine {
  const accumulation = (layer: LinearLayer): Accumulation => {
    const pairs = PAIRINGS[index % PAIRINGS.length]!(layer);
    const types = layer.weightType === 'int8' && (pairs.overflow === 'wraps' || layer.input.type === 'uint8');
    return types && layer.weightZeroPoint.every((zero) => zero === 0) ? pairs : 'exact';
  };
  return { ...base, name: `${base.name} in pairs ${index % PAIRINGS.length}`, accumulation };
}

/** A case of which two thirds of the inputs and of the int8 weights are the least of their type: pairs of them wrap. */
export function withLeast<C extends Pick<Case, 'graph'> & { readonly feeds: Readonly<Record<string, Tensor>> }>(
  given: C,
): C {
  const least = <D extends { readonly type: string; readonly data: ElementData }>(one: D): ElementData => {
    const data = one.data.slice() as Int8Array;
    for (let i = 0; i < data.length; i++) if (i % 3 !== 0) data[i] = one.type === 'uint8' ? 0 : -128;
    return data;
  };
  const { graph, feeds } = given;
  const [w, x] = [graph.constants.get('w'), feeds['x']];
  if (w?.type !== 'int8' || !x || x.type === 'float32') return given;
  const constants = new Map([...graph.constants, ['w', { ...w, data: least(w) }]]);
  return { ...given, graph: { ...graph, constants }, feeds: { x: new Tensor(x.type, least(x) as never, x.dims) } };
}
