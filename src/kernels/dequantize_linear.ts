import type { Layer } from '../layers/layer.ts';
import { groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** The bits of a table's float32 values. */
export function floatBits({ values }: Layer<'table'>): Uint32Array {
  return new Uint32Array(Float32Array.from(values).buffer);
}

/** A table of float32 values: four elements a thread. */
export function lowerDequantize(layer: Layer<'table'>): Step {
  const [input] = layer.reads;
  const groups = groupsOf(input!);
  return stepOf(layer, {
    ...useKernel('dequantize_linear', { geometry: { groups, input_sign: signMask(byteType(input!)) } }),
    operands: [{ tensor: input!.name }, { data: floatBits(layer) }],
    workgroups: threadGrid(groups),
  });
}
