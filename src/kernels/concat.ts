import { isByteType, type TensorInfo } from '../graph/graph.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf, type Extent } from '../layers/layout.ts';
import { useKernel } from './kernel.ts';
import { operandOf, stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** Inputs of one dispatch; with the output they are one storage buffer less than every device has. */
const MOST_INPUTS = 6;

const COORDINATES = ['batch', 'channels', 'height', 'width'] as const satisfies readonly (keyof Extent)[];

/** How long a tensor is along a coordinate of the layout. */
const lengthAlong = (info: TensorInfo, coordinate: number): number => extent(info)[COORDINATES[coordinate]!];

/** Some inputs of a concatenation as one. */
function partOf(layer: Layer<'concat'>, reads: readonly TensorInfo[], name: string): Layer<'concat'> {
  const { axis, writes } = layer;
  const length = reads.reduce((sum, input) => sum + input.shape[axis]!, 0);
  return { ...layer, reads, writes: { ...writes, name, shape: writes.shape.map((d, i) => (i === axis ? length : d)) } };
}

/**
 * A concatenation of any number of tensors: of more than a dispatch can read, runs first, and then what became of them,
 * again and again.
 */
export function lowerConcat(layer: Layer<'concat'>, target: Target): Step[] {
  const { reads, writes } = layer;
  if (reads.length <= MOST_INPUTS) return [lowerOne(layer)];
  const steps: Step[] = [];
  const runs = Array.from({ length: Math.ceil(reads.length / MOST_INPUTS) }, (_, i) =>
    reads.slice(i * MOST_INPUTS, (i + 1) * MOST_INPUTS),
  );
  const joined = runs.map((run) => {
    if (run.length === 1) return run[0]!;
    const part = partOf(layer, run, target.unusedName(`${writes.name}.part`));
    steps.push({ ...lowerOne(part), temporary: part.writes });
    return part.writes;
  });
  return [...steps, ...lowerConcat({ ...layer, reads: joined }, target)];
}

function lowerOne(layer: Layer<'concat'>): Step {
  const { reads, writes, coordinate, constants } = layer;
  const { height, width, groups: channelGroups } = extent(writes);
  const size = lengthAlong(writes, coordinate);
  let end = 0;
  const starts = reads.map((input) => (end += lengthAlong(input, coordinate)));
  const start = (number: number): number => starts[number - 1] ?? size;
  const groups = groupsOf(writes);
  return stepOf(layer, {
    ...useKernel('concat', {
      geometry: {
        groups,
        out_height: height,
        out_width: width,
        channel_groups: channelGroups,
        axis: coordinate,
        size,
        start_1: start(1),
        start_2: start(2),
        start_3: start(3),
        start_4: start(4),
        start_5: start(5),
      },
      overrides: { FLOATS: Number(!isByteType(writes.type)) },
    }),
    operands: Array.from({ length: MOST_INPUTS }, (_, i) => operandOf(constants, reads[i] ?? reads[0]!)),
    workgroups: threadGrid(groups),
  });
}
