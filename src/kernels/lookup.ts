import { byteRange, elementCount } from '../graph/graph.ts';
import type { Layer } from '../layers/layer.ts';
import { groupsOf } from '../layers/layout.ts';
import { lowerTail } from './add_tail.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** A table with a tail, as a pair of its input with itself. */
function asPair(layer: Layer<'table'>): [Layer<'pair'>, NonNullable<Layer<'pair'>['tail']>] {
  const { node, op, reads, writes, values, tail } = layer;
  const [min] = byteRange(byteType(writes));
  const codes = (table: Layer<'table'>['values']) => (a: number) => table[a]! - min;
  const ranges = [[tail!.first, elementCount(writes.shape)]] as const;
  const pair = { node, op, writes, reads: [reads[0]!, reads[0]!], kind: 'pair', codes: codes(values) } as const;
  return [pair, { codes: codes(tail!.values), ranges }];
}

/** A table of bytes, four a word: four elements a thread. */
export function lowerLookup(layer: Layer<'table'>): Step {
  if (layer.tail) return lowerTail(...asPair(layer));
  const [input] = layer.reads;
  const groups = groupsOf(input!);
  const values = Uint8Array.from(layer.values, (value) => value & 255);
  return stepOf(layer, {
    ...useKernel('lookup', { geometry: { groups, input_sign: signMask(byteType(input!)) } }),
    operands: [{ tensor: input!.name }, { data: new Uint32Array(values.buffer) }],
    workgroups: threadGrid(groups),
  });
}
