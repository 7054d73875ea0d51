import { byteRange } from '../../../src/graph/graph.ts';
import type { Definition } from '../../../src/layers/definition.ts';
import { extent } from '../../../src/layers/layout.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import { exactly, exactOf, fixedPoint, float32 } from './exact.ts';
import type { Details, Question } from './question.ts';
import { distinct, summedElement, type Tap } from './summed.ts';

/** An element of a global average pool: a sum without weights, divided by how many there are. */
export function poolElement({ layer, functions }: Definition<'global_average_pool'>, question: Question): Details {
  const { node, context, at } = question;
  const { input, output, count } = layer;
  const { channels, width } = extent(context.info(node.inputs[0]!));
  const [sx, sy] = [input.scale, output.scale];
  const ratio = exactly(sx).div(exactly(sy).mul(count));
  const [min, max] = byteRange(input.type);
  return summedElement(question, {
    taps: Array.from({ length: count }, (_, p): Tap => ({
      at: [at.c, Math.floor(p / width), p % width],
      padding: false,
      weight: 1,
      from: (at.n * channels + at.c) * count + p,
    })),
    zero: { input: input.zeroPoint, weight: 0 },
    output,
    ratio,
    scale: {
      input: float32(sx),
      output: float32(sy),
      exact: exactOf(ratio),
      float32: distinct([
        [f32(sx / f32(sy * count)), 'f32(sx / f32(sy * n))'],
        [f32(1 / count), 'f32(1 / n)'],
      ]),
      fixedPoint: fixedPoint(ratio),
    },
    range: [count * (min - input.zeroPoint), count * (max - input.zeroPoint)],
    accumulation: () => 'exact',
    functions: (engine) => functions(engine, layer),
  });
}
