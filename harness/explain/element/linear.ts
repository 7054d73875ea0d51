import type Fraction from 'fraction.js';
import { linearOf } from '../../../src/layers/infer.ts';
import type { GraphNode } from '../../../src/graph/graph.ts';
import type { OpContext } from '../../../src/layers/operator.ts';
import { effectiveSums } from '../../../src/layers/linear/overflow.ts';
import type { Linear } from '../../../src/layers/layer.ts';
import { reachable } from '../../../src/layers/linear/linear.ts';
import { FloatLines } from '../../../src/engines/float_lines.ts';
import { f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { LinearLayer, StepFunctions } from '../../../src/engines/engine.ts';
import type { Bias, Reach, Scale, Sum } from './analysis.ts';
import { exactly, exactOf, fixedPoint, float32, type Float32 } from './exact.ts';
import { underEveryEngine, type Details, type Question } from './question.ts';
import { requantizedSum, type OutputStage } from './requantized.ts';
import { exactAccumulator, pairedAccumulator, sumOf, windowTaps, type Tap, type ZeroPoints } from './sum.ts';

/** Two ways to the same float32 are one way. */
export function distinct(ways: readonly Float32[]): Float32[] {
  const found = new Map<number, Float32>();
  for (const way of ways) {
    const same = found.get(way.value);
    found.set(way.value, same ? { ...same, how: `${same.how} and ${way.how}` } : way);
  }
  return [...found.values()];
}

function scaleOf({ input, output }: LinearLayer, weightScale: number): Scale {
  const exact = exactly(input.scale).mul(exactly(weightScale)).div(exactly(output.scale));
  const product = f32(input.scale * weightScale);
  return {
    input: float32(input.scale),
    weight: float32(weightScale),
    output: float32(output.scale),
    exact: exactOf(exact),
    float32: distinct([
      float32(f32(product / output.scale), 'f32(f32(sx * sw) / sy)'),
      float32(f32(product * f32(1 / output.scale)), 'f32(f32(sx * sw) * f32(1 / sy))'),
    ]),
    fixedPoint: fixedPoint(exact),
  };
}

/** A bias in all its forms, and what it is in real units: an int32 one stands for a multiple of sx * sw. */
function biasOf(
  layer: LinearLayer,
  channel: number,
  weightScale: number,
  functions: StepFunctions,
): { bias: Bias; real: Fraction } | undefined {
  const unit = exactly(layer.input.scale).mul(exactly(weightScale));
  if (!layer.bias) return undefined;
  const value = layer.bias[channel]!;
  if (layer.bias instanceof Int32Array) {
    const stored = { type: 'int32', value } as const;
    return { bias: { stored, accumulatorUnits: exactOf(exactly(value)), int32: value }, real: unit.mul(value) };
  }
  const real = exactly(value);
  // the engine's own, where it has one
  const int32 =
    functions instanceof FloatLines
      ? functions.line(channel).bias
      : roundHalfEven(f32(value / f32(layer.input.scale * weightScale)));
  return {
    bias: { stored: { type: 'float32', ...float32(value) }, accumulatorUnits: exactOf(real.div(unit)), int32 },
    real,
  };
}

/** The accumulators for which a non-decreasing function gives a value. */
export function reachOf(
  f: (accumulator: number) => number,
  value: number,
  of: Reach['of'],
  [least, most]: readonly [number, number],
): Reach[] {
  const first = (wanted: number): number => {
    let [low, high] = [least, most + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (f(middle) >= wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const [from, end] = [first(value), first(value + 1)];
  if (from === end) return [];
  return [{ value, of, from: from === least ? null : from, to: end === most + 1 ? null : end - 1 }];
}

/** An engine's accumulator. @throws UnsupportedModelError where what its sums are is not known */
function accumulatorOf(
  node: GraphNode,
  linear: Linear,
  context: OpContext,
  taps: readonly Tap[],
  values: ReturnType<Question['operand']>['values'],
  zero: ZeroPoints,
): number {
  const { accumulation } = effectiveSums(node, context, linear);
  return accumulation === 'exact'
    ? exactAccumulator(taps, values, zero)
    : pairedAccumulator(taps, values, zero, linear.layer, accumulation);
}

/** An element of a convolution or a fully connected layer. */
export function linearElement(question: Question): Details {
  const { node, context, at, gives } = question;
  const linear = linearOf(node, context)!;
  const { layer } = linear;
  const operand = question.operand(0);
  const perChannel = (values: ArrayLike<number>): number => values[values.length === 1 ? 0 : at.c]!;
  const zero = { input: layer.input.zeroPoint, weight: perChannel(layer.weightZeroPoint) };
  const weightScale = perChannel(layer.weightScale);
  const taps = windowTaps(linear, at);

  const pairs = context.engine.accumulation(layer);
  const sum = sumOf(taps, operand, zero, pairs === 'exact' ? undefined : { layer, pairs });
  const functions = context.engine.linear(layer);
  const scale = scaleOf(layer, weightScale);
  const found = biasOf(layer, at.c, weightScale, functions);
  const stage: OutputStage = {
    zeroPoint: layer.output.zeroPoint,
    clamp: [functions.min, functions.max],
    gives,
  };
  const unit = exactly(layer.input.scale).mul(exactly(weightScale));
  const requantize = (accumulator: number, accumulation: Sum['accumulation']) =>
    requantizedSum(
      stage,
      { accumulator, accumulation },
      unit
        .mul(accumulator)
        .add(found?.real ?? 0)
        .div(exactly(layer.output.scale)),
      found?.bias.int32 ?? 0,
      scale,
    );
  const { lo, hi } = reachable(node, linear, effectiveSums(node, context, linear));
  const f = functions.at(at.c);
  const other = operand.reference && accumulatorOf(node, linear, context, taps, operand.reference, zero);
  const differing = sum.terms.filter(({ referenceInput }) => referenceInput !== undefined).length;
  return {
    computed: f(sum.accumulator),
    output: { type: layer.output.type, zeroPoint: stage.zeroPoint, clamp: stage.clamp },
    sum,
    ...(found ? { bias: found.bias } : {}),
    scale,
    requantized: [
      requantize(sum.accumulator, sum.accumulation),
      ...(sum.exactAccumulator === sum.accumulator ? [] : [requantize(sum.exactAccumulator, 'exact')]),
    ],
    engines: underEveryEngine(question, (engine) => {
      const accumulator = accumulatorOf(node, linear, { ...context, engine }, taps, operand.values, zero);
      return { value: engine.linear(layer).at(at.c)(accumulator), accumulator };
    }),
    reach: question.sides.flatMap(([side, value]) => reachOf(f, value, side, [lo[at.c]!, hi[at.c]!])),
    ...(other === undefined || differing === 0
      ? {}
      : { fromReferenceOperands: { differing, accumulator: other, value: f(other) } }),
  };
}
