import { elementCount } from '../graph/graph.ts';
import type { Layer } from '../layers/layer.ts';
import { extent } from '../layers/layout.ts';
import { arithmetic, bitsOf } from './arithmetic.ts';
import { useKernel } from './kernel.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** A coordinate of a tensor: how many there are, and how many words from one to the next. */
type Coordinate = readonly [count: number, step: number];

/** The coordinates of a row's elements, and the three others. */
function coordinatesOf({ writes, axis }: Layer<'softmax_float32'>): { along: Coordinate; others: Coordinate[] } {
  const { shape } = writes;
  const { batch, channels, height, width, groups } = extent(writes);
  const pixel = groups * 4;
  if (shape.length === 4) {
    const all: Coordinate[] = [
      [batch, height * width * pixel],
      [channels, 1],
      [height, width * pixel],
      [width, pixel],
    ];
    return { along: all[axis]!, others: all.filter((_, i) => i !== axis) };
  }
  const last = shape.length - 1;
  if (axis === last)
    return {
      along: [channels, 1],
      others: [
        [batch, pixel],
        [1, 0],
        [1, 0],
      ],
    };
  const [outer, inner] = [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis + 1, last))];
  const length = shape[axis]!;
  return {
    along: [length, inner * pixel],
    others: [
      [outer, length * inner * pixel],
      [inner, pixel],
      [channels, 1],
    ],
  };
}

/** Rows of float32 along an axis: one a thread. */
export function lowerFloatSoftmax(layer: Layer<'softmax_float32'>, target: Target): Step {
  const { along, others } = coordinatesOf(layer);
  const [outer, middle, inner] = others as [Coordinate, Coordinate, Coordinate];
  const rows = outer[0] * middle[0] * inner[0];
  return stepOf(layer, {
    ...useKernel('softmax_float32', {
      geometry: {
        rows,
        length: along[0],
        step: along[1],
        middle: middle[0],
        inner: inner[0],
        outer_step: outer[1],
        middle_step: middle[1],
        inner_step: inner[1],
        opaque: 0,
      },
      slots: arithmetic(layer, target),
    }),
    operands: [{ tensor: layer.reads[0]!.name }, { data: bitsOf(layer.constants) }],
    workgroups: threadGrid(rows),
  });
}
