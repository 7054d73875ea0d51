import { byteRange, elementCount, type ElementData, type GraphNode } from '../../../src/graph/graph.ts';
import { layerOf } from '../../../src/layers/add.ts';
import { extent } from '../../../src/layers/layout.ts';
import { fma } from '../../../src/engines/float32.ts';
import { f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { AddLayer } from '../../../src/engines/engine.ts';
import type { BoundEngine } from '../bound_engine.ts';
import type { Choice, Problem, Recipe } from '../problem.ts';
import { clampChoices } from '../ways/clamp.ts';
import { dimension, ending, finish, whereReferenceIs, type ElementwiseQuestion } from './elementwise.ts';

/** Zero points that are taken out of the operands. */
interface ZeroChoice extends Choice {
  readonly zeros: readonly [a: number, b: number];
}

/** From two bytes to a value in units of the output, its zero point not added. */
interface FormulaChoice extends Choice {
  readonly float32: boolean;
  readonly of: (layer: AddLayer, za: number, zb: number) => (a: number, b: number) => number;
  /** Another formula, with the zero point added before rounding, for the elements at the end of a memory block. */
  readonly tail?: FormulaChoice['of'];
}

const kind = 'scale';

function zeroChoices({ a, b }: AddLayer): ZeroChoice[] {
  const way = (id: string, detail: string, za: number, zb: number): ZeroChoice => ({
    id,
    kind: 'input-quantization',
    detail,
    zeros: [za, zb],
  });
  const all = [
    way('own', `zero points ${a.zeroPoint} and ${b.zeroPoint} are subtracted`, a.zeroPoint, b.zeroPoint),
    way('first-ignored', "the first operand's zero point is not subtracted", 0, b.zeroPoint),
    way('second-ignored', "the second operand's zero point is not subtracted", a.zeroPoint, 0),
    way('ignored', 'no zero point is subtracted', 0, 0),
    way('first-for-both', "the first operand's zero point is subtracted from both", a.zeroPoint, a.zeroPoint),
    way('second-for-both', "the second operand's zero point is subtracted from both", b.zeroPoint, b.zeroPoint),
    way('swapped', 'the zero points are swapped', b.zeroPoint, a.zeroPoint),
  ];
  return all.filter((choice, i) => all.findIndex(({ zeros }) => zeros.join() === choice.zeros.join()) === i);
}

const steps =
  (divide: (sum: number, y: number) => number): FormulaChoice['of'] =>
  ({ a, b, output }, za, zb) =>
  (x, y) =>
    divide(f32(f32(a.scale * (x - za)) + f32(b.scale * (y - zb))), output.scale);

const byReciprocal = steps((sum, y) => f32(sum * f32(1 / y)));

/** Two multipliers, rounded in some way, and one exact sum. */
const multipliers =
  (round: (ratio: number, largest: number) => number): FormulaChoice['of'] =>
  ({ a, b, output }, za, zb) => {
    const [ra, rb] = [a.scale / output.scale, b.scale / output.scale];
    const [ma, mb] = [round(ra, Math.max(ra, rb)), round(rb, Math.max(ra, rb))];
    return (x, y) => (x - za) * ma + (y - zb) * mb;
  };

/** `bits` of mantissa for the larger ratio, and the same unit for the other. */
const sharedExponent = (bits: number) => (ratio: number, largest: number) => {
  const unit = 2 ** (Math.floor(Math.log2(largest)) + 1 - bits);
  return roundHalfEven(ratio / unit) * unit;
};

const scaled =
  (change: (layer: AddLayer) => AddLayer): FormulaChoice['of'] =>
  (layer, za, zb) =>
    steps((sum, y) => f32(sum / y))(change(layer), za, zb);

const FORMULAS: readonly FormulaChoice[] = [
  {
    id: 'float32-division',
    kind,
    detail: 'both operands are dequantized to float32, their sum divided by the scale of the output',
    float32: true,
    of: steps((sum, y) => f32(sum / y)),
  },
  {
    id: 'float32-reciprocal',
    kind,
    detail: 'both operands are dequantized to float32, their sum multiplied with the reciprocal of the scale',
    float32: true,
    of: byReciprocal,
  },
  {
    id: 'pytorch',
    kind,
    detail: "PyTorch's vectorized float32 (fused multiply-adds), and another formula at the end of a block",
    float32: true,
    of: ({ a, b, output }, za, zb) => {
      const inverse = f32(1 / output.scale);
      const [offsetA, offsetB] = [f32(a.scale * -za), f32(b.scale * -zb)];
      return (x, y) => f32(f32(fma(a.scale, x, offsetA) + fma(b.scale, y, offsetB)) * inverse);
    },
    tail: byReciprocal,
  },
  {
    id: 'pytorch-without-tail',
    kind,
    detail: "PyTorch's vectorized float32 (fused multiply-adds) for all elements",
    float32: true,
    of: ({ a, b, output }, za, zb) => {
      const inverse = f32(1 / output.scale);
      const [offsetA, offsetB] = [f32(a.scale * -za), f32(b.scale * -zb)];
      return (x, y) => f32(f32(fma(a.scale, x, offsetA) + fma(b.scale, y, offsetB)) * inverse);
    },
  },
  {
    id: 'multipliers-22',
    kind,
    detail: 'two fixed-point multipliers of 22 bits (qnnpack)',
    float32: false,
    of: multipliers((ratio, largest) => sharedExponent(22)(f32(ratio), f32(largest))),
  },
  { id: 'float64', kind, detail: 'float64', float32: false, of: multipliers((ratio) => ratio) },
  ...[31, 16, 8, 15, 12, 10, 20, 24].map((bits): FormulaChoice => ({
    id: `multipliers-${bits}`,
    kind,
    detail: `two fixed-point multipliers of ${bits} bits`,
    float32: false,
    of: multipliers(sharedExponent(bits)),
  })),
  {
    id: 'first-for-both',
    kind,
    detail: "the first operand's scale is used for both",
    float32: true,
    of: scaled((layer) => ({ ...layer, b: { ...layer.b, scale: layer.a.scale } })),
  },
  {
    id: 'second-for-both',
    kind,
    detail: "the second operand's scale is used for both",
    float32: true,
    of: scaled((layer) => ({ ...layer, a: { ...layer.a, scale: layer.b.scale } })),
  },
  {
    id: 'swapped',
    kind,
    detail: 'the scales of the operands are swapped',
    float32: true,
    of: scaled((layer) => ({
      ...layer,
      a: { ...layer.a, scale: layer.b.scale },
      b: { ...layer.b, scale: layer.a.scale },
    })),
  },
  {
    id: 'not-rescaled',
    kind,
    detail: 'bytes are added without rescaling',
    float32: false,
    of: (_, za, zb) => (x, y) => x - za + (y - zb),
  },
];

/** How the engines do it: formula, order of the zero point, rounding. */
const REFERENCES = [
  ['float32-division', 'before', 'even'],
  ['pytorch', 'after', 'even'],
  ['multipliers-22', 'after', 'away'],
] as const;

/**
 * An add of two 8-bit tensors as a family of implementations. There are no accumulators: sums are indices.
 *
 * @throws UnsupportedModelError where no combination of the known ways is what the engine does
 */
export function addProblem(
  node: GraphNode,
  bound: BoundEngine,
  operands: ReadonlyMap<string, ElementData>,
  { expected, theirs }: ElementwiseQuestion,
): Problem {
  const layer = layerOf(node, bound.context);
  const [x, y] = node.inputs.map((name) => operands.get(name)!) as [Uint8Array, Uint8Array];
  const isTail = tailOf(node, bound);
  const { output } = layer;
  const zeros = dimension(zeroChoices(layer));
  const hasRelu = layer.relu && output.zeroPoint > byteRange(output.type)[0];

  const family = ([formula, order, rounding]: (typeof REFERENCES)[number]): Problem => {
    const formulas = dimension(FORMULAS, formula);
    const end = ending(order, rounding, clampChoices(output), hasRelu ? 'relu' : 'type');
    return {
      dimensions: [zeros, formulas, end.order, end.rounding, end.clamp],
      sumDimensions: 0,
      theirs,
      groupSize: 1,
      sums: () => ({ at: (element) => element, all: () => Float64Array.from(theirs as Uint8Array, (_, i) => i) }),
      output(recipe: Recipe) {
        const [za, zb] = zeros.choices[recipe[0]!]!.zeros;
        const chosen = formulas.choices[recipe[1]!]!;
        const body = chosen.of(layer, za, zb);
        const tail = chosen.tail?.(layer, za, zb);
        const last = finish(end, recipe, output.zeroPoint, chosen.float32);
        return (_, i) => (tail && isTail(i) ? last(tail(x[i]!, y[i]!), true) : last(body(x[i]!, y[i]!)));
      },
    };
  };
  return whereReferenceIs(
    expected,
    REFERENCES.map((reference) => () => family(reference)),
    bound.engine.name,
  );
}

/** Is the element (NCHW index) at the end of a memory block, where the engine has another formula? */
function tailOf(node: GraphNode, bound: BoundEngine): (element: number) => boolean {
  const { isTail } = bound.engine.add(layerOf(node, bound.context));
  const info = bound.context.info(node.outputs[0]!);
  const { channels, height, width } = extent(info);
  const plane = height * width;
  const elements = elementCount(info.shape);
  return (element) => {
    const image = Math.floor(element / (plane * channels));
    const nhwc = (image * plane + (element % plane)) * channels + (Math.floor(element / plane) % channels);
    return isTail?.(nhwc, elements) ?? false;
  };
}
