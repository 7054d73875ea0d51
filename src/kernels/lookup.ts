import type { Layer } from '../layers/layer.ts';
import { groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** A table as raw bytes, four a word; a float32 one as bits. */
export function packTable({ values }: Layer<'table'>): Uint32Array {
  if (values instanceof Float32Array) return new Uint32Array(values.slice().buffer);
  return new Uint32Array(Uint8Array.from(values, (v) => v & 255).buffer);
}

/** The value of each byte: four a thread. 256 float32 values have a kernel of their own. */
export function lowerTable(layer: Layer<'table'>): Step {
  const [input] = layer.reads;
  const groups = groupsOf(input!);
  return stepOf(layer, {
    ...useKernel(layer.values instanceof Float32Array ? 'dequantize_linear' : 'lookup', {
      geometry: { groups, input_sign: signMask(byteType(input!)) },
    }),
    operands: [{ tensor: input!.name }, { data: packTable(layer) }],
    workgroups: threadGrid(groups),
  });
}
