import type { ElementData, GraphNode } from '../../../src/graph/graph.ts';
import { layerOf } from '../../../src/layers/global_average_pool.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import type { PoolLayer } from '../../../src/engines/engine.ts';
import type { BoundEngine } from '../bound_engine.ts';
import type { Choice, Problem, Recipe } from '../problem.ts';
import { clampChoices } from '../ways/clamp.ts';
import { dimension, ending, finish, whereReferenceIs, type ElementwiseQuestion } from './elementwise.ts';

interface ZeroChoice extends Choice {
  readonly zero: number;
}

/** From sum(x - zx) to a value in units of the output. */
interface ScaleChoice extends Choice {
  readonly float32: boolean;
  readonly of: (layer: PoolLayer) => (sum: number) => number;
}

const kind = 'scale';

const single =
  (multiplier: (layer: PoolLayer) => number): ScaleChoice['of'] =>
  (layer) => {
    const m = multiplier(layer);
    return (sum) => f32(f32(sum) * m);
  };

const exact = ({ input, output, count }: PoolLayer): number => input.scale / output.scale / count;

/** Rounded to a mantissa of `bits` bits. */
const mantissa =
  (bits: number): ScaleChoice['of'] =>
  (layer) => {
    const m = exact(layer);
    const unit = 2 ** (Math.floor(Math.log2(m)) + 1 - bits);
    const rounded = Math.floor(m / unit + 0.5) * unit;
    return (sum) => sum * rounded;
  };

const SCALES: readonly ScaleChoice[] = [
  {
    id: 'float32',
    kind,
    detail: 'the sum is multiplied with the float32 sx/(sy*n)',
    float32: true,
    of: single(({ input, output, count }) => f32(input.scale / f32(output.scale * count))),
  },
  {
    id: 'float32-count',
    kind,
    detail: 'the sum is multiplied with the float32 1/n',
    float32: true,
    of: single(({ count }) => f32(1 / count)),
  },
  { id: 'float64', kind, detail: 'the sum is divided in float64', float32: false, of: (l) => (sum) => sum * exact(l) },
  ...[31, 16, 8, 15, 12, 10, 24].map((bits) => ({
    id: `mantissa-${bits}`,
    kind: kind as typeof kind,
    detail: `the sum is multiplied with a fixed-point 1/n of ${bits} bits`,
    float32: false,
    of: mantissa(bits),
  })),
  {
    id: 'power-of-two',
    kind,
    detail: 'the count is taken as the next power of two',
    float32: false,
    of: (layer) => (sum) => (sum * layer.input.scale) / layer.output.scale / 2 ** Math.ceil(Math.log2(layer.count)),
  },
];

const REFERENCES = [
  ['float32', 'after', 'even'],
  ['float32-count', 'before', 'even'],
] as const;

/**
 * A global average pool as a family of implementations.
 *
 * @throws UnsupportedModelError where no combination of the known ways is what the engine does
 */
export function poolProblem(
  node: GraphNode,
  bound: BoundEngine,
  operands: ReadonlyMap<string, ElementData>,
  { expected, theirs }: ElementwiseQuestion,
): Problem {
  const layer = layerOf(node, bound.context);
  const x = operands.get(node.inputs[0]!) as Uint8Array;
  const { input, output, count } = layer;
  const zeros = dimension<ZeroChoice>(
    [
      {
        id: 'own',
        kind: 'input-quantization',
        detail: `zero point ${input.zeroPoint} is subtracted`,
        zero: input.zeroPoint,
      },
      { id: 'ignored', kind: 'input-quantization', detail: 'the zero point is not subtracted', zero: 0 } as const,
    ].filter(({ zero }, i) => i === 0 || zero !== input.zeroPoint) as ZeroChoice[],
  );
  const sums = Float64Array.from({ length: theirs.length }, (_, i) => {
    let sum = 0;
    for (let k = i * count; k < (i + 1) * count; k++) sum += x[k]!;
    return sum;
  });
  const family = ([scale, order, rounding]: (typeof REFERENCES)[number]): Problem => {
    const scales = dimension(SCALES, scale);
    const end = ending(order, rounding, clampChoices(output), 'type');
    return {
      dimensions: [zeros, scales, end.order, end.rounding, end.clamp],
      sumDimensions: 1,
      theirs,
      groupSize: theirs.length,
      sums: (recipe) => {
        const { zero } = zeros.choices[recipe[0]!]!;
        const all = (): Float64Array => sums.map((sum) => sum - zero * count);
        return { at: (element) => sums[element]! - zero * count, all };
      },
      output(recipe: Recipe) {
        const { of, float32 } = scales.choices[recipe[1]!]!;
        const scaled = of(layer);
        const last = finish(end, recipe, output.zeroPoint, float32);
        return (sum) => last(scaled(sum));
      },
    };
  };
  return whereReferenceIs(
    expected,
    REFERENCES.map((reference) => () => family(reference)),
    bound.engine.name,
  );
}
