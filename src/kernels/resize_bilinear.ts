import { byteRange } from '../graph/graph.ts';
import type { Interpolation, Neighbours } from '../engines/engine.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';

/** Four words for each place: its neighbours, and the bits of their weights. */
export function neighbourWords({ first, second, weights }: Neighbours): Uint32Array {
  const [ofFirst, ofSecond] = weights.map(({ buffer }) => new Uint32Array(buffer as ArrayBuffer)) as [
    Uint32Array,
    Uint32Array,
  ];
  return Uint32Array.from({ length: first.length * 4 }, (_, i) => {
    const place = i >> 2;
    return [first, second, ofFirst, ofSecond][i & 3]![place]!;
  });
}

/** @param zero the code of the value 0 */
function moduleOf(how: Interpolation, zero: number): Pick<Step, 'overrides'> & { readonly interpolation: string } {
  if (how.as === 'integers')
    return {
      interpolation: 'interpolation/integers',
      overrides: { SHIFT: how.shift, AWAY: Number(how.half === 'away'), ZERO: zero },
    };
  return {
    interpolation: 'interpolation/floats',
    overrides: { WEIGHTS_FIRST: Number(how.weightsFirst), FUSED: Number(how.fused) },
  };
}

/** Four channels of a pixel a thread. */
export function lowerResizeBilinear({ functions, ...layer }: Layer<'resize_bilinear'>): Step {
  const [input] = layer.reads;
  const [from, to] = [extent(input!), extent(layer.writes)];
  const type = byteType(layer.writes);
  const groups = groupsOf(layer.writes);
  const { interpolation, overrides } = moduleOf(functions.interpolation, -byteRange(type)[0]);
  return stepOf(layer, {
    ...useKernel(
      'resize_bilinear',
      {
        geometry: {
          in_height: from.height,
          in_width: from.width,
          out_height: to.height,
          out_width: to.width,
          channel_groups: to.groups,
          groups,
          sign: signMask(type),
        },
        slots: { interpolation },
      },
      { overrides },
    ),
    operands: [
      { tensor: input!.name },
      { data: neighbourWords(functions.rows) },
      { data: neighbourWords(functions.columns) },
    ],
    workgroups: threadGrid(groups),
  });
}
