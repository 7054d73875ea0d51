import type { ElementData, GraphNode } from '../../../src/graph/graph.ts';
import { tensorQuantization } from '../../../src/layers/operator.ts';
import { fma } from '../../../src/engines/float32.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import type { BoundEngine } from '../bound_engine.ts';
import type { Choice, Problem, Recipe } from '../problem.ts';
import { clampChoices } from '../ways/clamp.ts';
import type { OwnQuantization } from '../ways/input_quantization.ts';
import { dimension, ending, finish, whereReferenceIs, type ElementwiseQuestion } from './elementwise.ts';

interface ParametersChoice extends Choice {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** From a real value to units of the output; the zero point is added later, unless it is fused. */
interface DivisionChoice extends Choice {
  readonly float32: boolean;
  readonly of: (scale: number) => (x: number) => number;
  /** With the zero point in a fused multiply-add, where it is added before rounding. */
  readonly fused?: (scale: number, zeroPoint: number) => (x: number) => number;
}

const kind = 'scale';

const DIVISIONS: readonly DivisionChoice[] = [
  {
    id: 'division',
    kind,
    detail: 'the float32 x/s',
    float32: true,
    of: (s) => (x) => f32(x / f32(s)),
  },
  {
    id: 'fused',
    kind,
    detail: 'the float32 x*(1/s), fused with the zero point (PyTorch)',
    float32: true,
    of: (s) => (x) => f32(x * f32(1 / f32(s))),
    fused: (s, z) => {
      const inverse = f32(1 / f32(s));
      return (x) => fma(x, inverse, z);
    },
  },
  {
    id: 'reciprocal',
    kind,
    detail: 'the float32 x*(1/s)',
    float32: true,
    of: (s) => (x) => f32(x * f32(1 / f32(s))),
  },
  { id: 'float64', kind, detail: 'the float64 x/s', float32: false, of: (s) => (x) => x / s },
];

const REFERENCES = [
  ['division', 'after', 'even'],
  ['fused', 'before', 'even'],
] as const;

/**
 * A quantize of float32 values as a family of implementations. There are no accumulators: sums are the values.
 *
 * @param own parameters that are not the model's
 * @throws UnsupportedModelError where no combination of the known ways is what the engine does
 */
export function quantizeProblem(
  node: GraphNode,
  bound: BoundEngine,
  operands: ReadonlyMap<string, ElementData>,
  { expected, theirs }: ElementwiseQuestion,
  own: readonly OwnQuantization[],
): Problem {
  const output = tensorQuantization(node, bound.context.info(node.outputs[0]!));
  const x = Float64Array.from(operands.get(node.inputs[0]!) as Float32Array);
  const parameters: ParametersChoice[] = [];
  const add = (id: string, detail: string, scale: number, zeroPoint: number): void => {
    if (parameters.every((other) => other.scale !== scale || other.zeroPoint !== zeroPoint))
      parameters.push({ id, kind: 'input-quantization', detail, scale, zeroPoint });
  };
  const numbers = (scale: number, zeroPoint: number): string =>
    `scale ${scale.toPrecision(6)}, zero point ${zeroPoint}`;
  add('model', `${numbers(output.scale, output.zeroPoint)}`, output.scale, output.zeroPoint);
  for (const { id, detail, scale, zeroPoint } of own)
    add(id, `${detail}: ${numbers(scale, zeroPoint)}`, scale, zeroPoint);
  for (const zero of [output.zeroPoint - 1, output.zeroPoint + 1])
    add(`zero-point ${zero}`, `the zero point is ${zero}`, output.scale, zero);
  const chosenParameters = dimension(parameters);

  const family = ([division, order, rounding]: (typeof REFERENCES)[number]): Problem => {
    const divisions = dimension(DIVISIONS, division);
    const end = ending(order, rounding, clampChoices(output), 'type');
    return {
      dimensions: [chosenParameters, divisions, end.order, end.rounding, end.clamp],
      sumDimensions: 0,
      theirs,
      groupSize: theirs.length,
      sums: () => ({ at: (element) => x[element]!, all: () => x }),
      output(recipe: Recipe) {
        const { scale, zeroPoint } = parameters[recipe[0]!]!;
        const chosen = divisions.choices[recipe[1]!]!;
        const isFused = chosen.fused && end.order.choices[recipe[2]!]!.before;
        // the zero point is in the value already
        const last = finish(end, recipe, isFused ? 0 : zeroPoint, chosen.float32);
        const divided = isFused ? chosen.fused!(scale, zeroPoint) : chosen.of(scale);
        return (value) => last(divided(value));
      },
    };
  };
  return whereReferenceIs(
    expected,
    REFERENCES.map((reference) => () => family(reference)),
    bound.engine.name,
  );
}
