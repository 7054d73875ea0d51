import { byteRange } from '../../../src/graph/graph.ts';
import { layerOf } from '../../../src/layers/global_average_pool.ts';
import { extent } from '../../../src/layers/layout.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import type { Scale } from './analysis.ts';
import { exactly, exactOf, fixedPoint, float32 } from './exact.ts';
import { distinct, reachOf } from './linear.ts';
import { underEveryEngine, type Details, type Question } from './question.ts';
import { requantizedSum } from './requantized.ts';
import { exactAccumulator, sumOf, type Tap } from './sum.ts';

/** An element of a global average pool: a sum without weights, divided by how many there are. */
export function poolElement(question: Question): Details {
  const { node, context, at } = question;
  const layer = layerOf(node, context);
  const { input, output, count } = layer;
  const { channels, width } = extent(context.info(node.inputs[0]!));
  const taps = Array.from({ length: count }, (_, p): Tap => ({
    at: [at.c, Math.floor(p / width), p % width],
    padding: false,
    weight: 1,
    from: (at.n * channels + at.c) * count + p,
  }));
  const zero = { input: input.zeroPoint, weight: 0 };
  const operand = question.operand(0);
  const sum = sumOf(taps, operand, zero);
  const [sx, sy] = [input.scale, output.scale];
  const exact = exactly(sx).div(exactly(sy).mul(count));
  const scale: Scale = {
    input: float32(sx),
    output: float32(sy),
    exact: exactOf(exact),
    float32: distinct([
      float32(f32(sx / f32(sy * count)), 'f32(sx / f32(sy * n))'),
      float32(f32(1 / count), 'f32(1 / n)'),
    ]),
    fixedPoint: fixedPoint(exact),
  };
  const [min, max] = byteRange(input.type);
  const functions = context.engine.globalAveragePool(layer);
  const f = functions.at(0);
  const stage = {
    zeroPoint: output.zeroPoint,
    clamp: [functions.min, functions.max] as const,
    gives: question.gives,
  };
  const other = operand.reference && exactAccumulator(taps, operand.reference, zero);
  const differing = sum.terms.filter(({ referenceInput }) => referenceInput !== undefined).length;
  return {
    computed: f(sum.accumulator),
    output: { type: output.type, zeroPoint: stage.zeroPoint, clamp: stage.clamp },
    sum,
    scale,
    requantized: [
      requantizedSum(
        stage,
        { accumulator: sum.accumulator, accumulation: 'exact' },
        exact.mul(sum.accumulator),
        0,
        scale,
      ),
    ],
    engines: underEveryEngine(question, (engine) => ({
      value: engine.globalAveragePool(layer).at(0)(sum.accumulator),
      accumulator: sum.accumulator,
    })),
    reach: question.sides.flatMap(([side, value]) =>
      reachOf(f, value, side, [count * (min - input.zeroPoint), count * (max - input.zeroPoint)]),
    ),
    ...(other === undefined || differing === 0
      ? {}
      : { fromReferenceOperands: { differing, accumulator: other, value: f(other) } }),
  };
}
