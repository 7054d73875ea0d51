import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** The bits of a table's float32 values. */
export function floatBits({ values }: Pick<Layer<'table'>, 'values'>): Uint32Array {
  return new Uint32Array(Float32Array.from(values).buffer);
}

/** The element at which no tail begins. */
const NO_TAIL = 0xffffffff;

/** A table of float32 values: four elements a thread. */
export function lowerDequantize(layer: Layer<'table'>): Step {
  const [input] = layer.reads;
  const groups = groupsOf(input!);
  const { channels, groups: channel_groups } = extent(input!);
  return stepOf(layer, {
    ...useKernel('dequantize_linear', {
      geometry: {
        groups,
        input_sign: signMask(byteType(input!)),
        channels,
        channel_groups,
        tail: layer.tail?.first ?? NO_TAIL,
      },
    }),
    operands: [
      { tensor: input!.name },
      { data: Uint32Array.of(...floatBits(layer), ...floatBits(layer.tail ?? layer)) },
    ],
    workgroups: threadGrid(groups),
  });
}
