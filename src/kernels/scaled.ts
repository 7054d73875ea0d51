import type { TensorInfo } from '../graph/graph.ts';
import type { Scaled } from '../join/joined.ts';
import { scaledLayers } from '../join/joined.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { bitsOf, castSlot, moderate } from './arithmetic.ts';
import { ending } from './epilogue.ts';
import type { LinearKernel, LinearLayer } from './linear.ts';
import { isPadded, packScaling } from './offsets.ts';
import { mendSums } from './mend_sums.ts';
import { rangeOfSums } from './dynamic_range.ts';
import type { Step } from './step.ts';
import { placesOf, type Target } from './target.ts';

/** Is a constant 0, or of a magnitude between these? */
const isWithin = (x: number, least: number, most: number): boolean =>
  x === 0 || (Math.abs(x) >= least && Math.abs(x) <= most);

const weightScaleOf = ({ scales }: Scaled): number => Number(scales?.constants[0]!.data[0] ?? 1);
const biasesOf = ({ bias }: Scaled): readonly number[] => Array.from(bias?.constant ?? [], Number);
const clipOf = ({ clip }: Scaled): readonly number[] => clip?.function.constants ?? [-Infinity, Infinity];

/**
 * Is no value subnormal or infinite where the input's scale is within 2^-60 and 2^60? Products of integers then are 0 or
 * within 2^-90 and 2^121, and all their bits, and those of biases, stand for 2^-113 or more: so do those of their sums.
 */
function isModerate(scaled: Scaled): boolean {
  const weightScale = weightScaleOf(scaled);
  const [least, most] = clipOf(scaled) as [number, number];
  return (
    weightScale !== 0 &&
    isWithin(weightScale, 2 ** -30, 2 ** 30) &&
    biasesOf(scaled).every((bias) => isWithin(bias, 2 ** -60, 2 ** 100)) &&
    [least, most].every((end) => Math.abs(end) === Infinity || isWithin(end, 2 ** -60, 2 ** 100)) &&
    // channels that there are not are 0, which every range has
    least <= 0 &&
    most >= 0
  );
}

/** Is there a kernel for it? */
export function admitsScaled(layer: LinearLayer, scaled: Scaled, { dynamic = false }: LinearKernel): boolean {
  const { range, residual } = scaled;
  if (!isModerate(scaled)) return false;
  // buffers are few
  if (residual && layer.zero && !dynamic && isPadded(layer)) return false;
  // what is added may have any values in channels that there are not
  return !range || (dynamic && (!residual || extent(residual.other).channels % 4 === 0));
}

/** The buffer that output/scaled describes. */
function scalingOf(layer: LinearLayer, scaled: Scaled, result: TensorInfo, rangesAt: number, target: Target) {
  const other = scaled.residual?.other ?? result;
  const head = [
    ...bitsOf([weightScaleOf(scaled), ...clipOf(scaled), 0]),
    ...[...placesOf(result, target), ...placesOf(other, target)],
    rangesAt,
  ];
  // -0 changes nothing
  const none = Array.from({ length: 4 * layer.output.groups }, () => -0);
  return packScaling(layer, head, bitsOf(Object.assign(none, biasesOf(scaled))));
}

/** Threads of a workgroup that leaves the ranges of what its threads write. */
const SEEING = 4;

/** A step whose sums go on in float32, and the one that ends it: by integers where it has to be, and with the range. */
export function lowerScaled(step: Step, layer: LinearLayer, scaled: Scaled, target: Target): Step[] {
  const layers = scaledLayers(scaled);
  const last = layers.at(-1)!;
  const { range, residual, scales, product } = scaled;
  const rangesAt = 4 * groupsOf(last.writes);
  const ranges = step.workgroups.reduce((count, along) => count * along, SEEING);
  const input = scales?.reads.find(({ name }) => name !== scales.constants[0]!.name) ?? product;
  const scaling = [scalingOf(layer, scaled, last.writes, rangesAt, target), { tensor: input.name }];
  const others = residual ? [{ tensor: residual.other.name }] : [];
  const slots = { residual: residual ? 'residual/tensor' : 'residual/nothing', ...moderate(target) };
  const { output: _, offset, ...rest } = step.slots;
  const sums = ending(step, layers, {
    slots: {
      output: 'output/scaled',
      offset: offset!,
      ...castSlot(target),
      ...slots,
      ...rest,
      seen: range ? 'software/seen/range' : 'software/seen/nothing',
    },
    // of sums by channel, scaling has what was behind the zero point
    parameters: [...scaling, ...step.parameters.slice(0, offset === 'offset/by_channel' ? 1 : 2), ...others],
    overrides: step.overrides,
  });
  const mended = { slots: { mend: 'mend/scaled', ...slots }, parameters: [...scaling, ...others] };
  if (!range) return slots.moderate === 'moderate/native' ? [sums, mendSums(last, mended)] : [sums];
  const end = rangeOfSums(last, range, { at: rangesAt, count: ranges }, mended);
  return [{ ...sums, behind: end.behind! }, end];
}
