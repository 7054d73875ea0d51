import { addTable, proveAdd } from '../requantize/add.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import type { TensorInfo } from '../graph/graph.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';
import { byteType, signMask } from './requantization.ts';
import { operandOf, stepOf, threadGrid, type Step, type StepOperand } from './step.ts';

/** Words from one partner to the next along batch, height, width and channel groups; 0 where it is the same one. */
function partnerStrides(small: TensorInfo) {
  const { batch, channels, height, width, groups } = extent(small);
  return {
    b_image: batch === 1 ? 0 : height * width * groups,
    b_row: height === 1 ? 0 : width * groups,
    b_column: width === 1 ? 0 : groups,
    b_group: channels === 1 ? 0 : 1,
  };
}

/** The pair's function as a proved line where it has one, else as a table. */
export function provePair({ codes, slope }: Layer<'pair'>) {
  return slope ? proveAdd(codes, slope) : ({ form: 'add_table', parameters: addTable(codes) } as const);
}

/** An operand of a pair: a tensor, or a constant as it would lie in memory. */
export const pairOperand = ({ constant }: Pick<Layer<'pair'>, 'constant'>, info: TensorInfo): StepOperand =>
  operandOf(constant ? [constant] : [], info);

/** An element-wise function of two 8-bit tensors: WORDS words a thread. */
export function lowerPair(layer: Layer<'pair'>): Step {
  const [large, small] = layer.reads as [TensorInfo, TensorInfo];
  const proof = provePair(layer);
  const { height, width, channels, groups: channelGroups } = extent(large);
  const groups = groupsOf(large);
  const partner = extent(small);
  const same = (['batch', 'channels', 'height', 'width'] as const).every(
    (axis) => extent(large)[axis] === partner[axis],
  );
  return stepOf(layer, {
    operands: [large, small].map((info) => pairOperand(layer, info)),
    parameters: [proof.parameters],
    ...useKernel('add', {
      geometry: {
        groups,
        a_sign: signMask(byteType(large)),
        b_sign: signMask(byteType(small)),
        height,
        width,
        channel_groups: channelGroups,
        ...partnerStrides(small),
      },
      overrides: {
        OUTPUT_SIGN: signMask(byteType(layer.writes)),
        BROADCAST: Number(!same),
        ONE_CHANNEL: Number(partner.channels === 1 && channels > 1),
      },
      slots: { combine: `requantize/${proof.form}` },
    }),
    workgroups: threadGrid(Math.ceil(groups / KERNELS.add.constants.WORDS)),
  });
}
