import type { Layer } from '../layers/layer.ts';
import { groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** A table of bytes, four a word: four elements a thread. */
export function lowerLookup(layer: Layer<'table'>): Step {
  const [input] = layer.reads;
  const groups = groupsOf(input!);
  const values = Uint8Array.from(layer.values, (value) => value & 255);
  return stepOf(layer, {
    ...useKernel('lookup', { geometry: { groups, input_sign: signMask(byteType(input!)) } }),
    operands: [{ tensor: input!.name }, { data: new Uint32Array(values.buffer) }],
    workgroups: threadGrid(groups),
  });
}
