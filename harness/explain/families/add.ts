import { byteRange, type TensorInfo } from '../../../src/graph/graph.ts';
import { tailOf } from '../../../src/layers/tail.ts';
import type { Definition } from '../../../src/layers/definition.ts';
import { fma } from '../../../src/engines/float32.ts';
import { f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { AddLayer, Engine } from '../../../src/engines/engine.ts';
import { dimension, problemOf, waysOf, type Choice, type Problem } from '../problem.ts';
import { clampChoices, ownClamp } from '../ways/clamp.ts';
import { engineChoices, engineWay } from '../ways/engines.ts';
import { endingOf, finish } from '../ways/rounding.ts';
import { mantissa } from '../ways/scale.ts';
import { whereReferenceIs, type LayerQuestion } from './family.ts';

/** Zero points that are taken out of the operands. */
interface ZeroChoice extends Choice {
  readonly zeros: readonly [a: number, b: number];
}

const zeroWay = waysOf('input-quantization');

function zeroChoices({ a: { zeroPoint: a }, b: { zeroPoint: b } }: AddLayer): ZeroChoice[] {
  const way = (id: string, detail: string, ...zeros: [number, number]): ZeroChoice => zeroWay(id, detail, { zeros });
  const all = [
    way('own', `zero points ${a} and ${b} are subtracted`, a, b),
    way('first-ignored', "the first operand's zero point is not subtracted", 0, b),
    way('second-ignored', "the second operand's zero point is not subtracted", a, 0),
    way('ignored', 'no zero point is subtracted', 0, 0),
    way('first-for-both', "the first operand's zero point is subtracted from both", a, a),
    way('second-for-both', "the second operand's zero point is subtracted from both", b, b),
    way('swapped', 'the zero points are swapped', b, a),
  ];
  return all.filter((choice, i) => all.findIndex(({ zeros }) => zeros.join() === choice.zeros.join()) === i);
}

/** From two bytes to a value in units of the output, its zero point not added. */
type Formula = (layer: AddLayer, za: number, zb: number) => (a: number, b: number) => number;

interface FormulaChoice extends Choice {
  readonly float32: boolean;
  readonly of: Formula;
  /** Another formula, with the zero point added before rounding, for the elements at the end of a memory block. */
  readonly tail?: Formula;
  /** The whole of it by element (NCHW index). */
  readonly at?: (layer: AddLayer) => (a: number, b: number, element: number) => number;
}

const steps =
  (divide: (sum: number, y: number) => number): Formula =>
  ({ a, b, output }, za, zb) =>
  (x, y) =>
    divide(f32(f32(a.scale * (x - za)) + f32(b.scale * (y - zb))), output.scale);

const byDivision = steps((sum, y) => f32(sum / y));
const byReciprocal = steps((sum, y) => f32(sum * f32(1 / y)));

const fused: Formula = ({ a, b, output }, za, zb) => {
  const inverse = f32(1 / output.scale);
  const [offsetA, offsetB] = [f32(a.scale * -za), f32(b.scale * -zb)];
  return (x, y) => f32(f32(fma(a.scale, x, offsetA) + fma(b.scale, y, offsetB)) * inverse);
};

/** Two multipliers, rounded in some way, and one exact sum. */
const multipliers =
  (round: (ratio: number, largest: number) => number): Formula =>
  ({ a, b, output }, za, zb) => {
    const [ra, rb] = [a.scale / output.scale, b.scale / output.scale];
    const [ma, mb] = [round(ra, Math.max(ra, rb)), round(rb, Math.max(ra, rb))];
    return (x, y) => (x - za) * ma + (y - zb) * mb;
  };

/** `bits` of mantissa for the larger ratio, and the same unit for the other. */
const sharedExponent = (bits: number) => (ratio: number, largest: number) =>
  mantissa(ratio, bits, roundHalfEven, largest);

const qnnpack = (ratio: number, largest: number): number => sharedExponent(22)(f32(ratio), f32(largest));
const unrounded = (ratio: number): number => ratio;

const way = waysOf('scale');
const float32 = (id: string, detail: string, of: Formula, tail?: Formula): FormulaChoice =>
  way(id, detail, { float32: true, of, ...(tail && { tail }) });
const float64 = (id: string, detail: string, of: Formula): FormulaChoice => way(id, detail, { float32: false, of });

/** By division, with other scales for the operands. */
const withScales = (
  id: string,
  detail: string,
  scales: (a: number, b: number) => readonly [number, number],
): FormulaChoice =>
  float32(id, detail, (layer, za, zb) => {
    const [a, b] = scales(layer.a.scale, layer.b.scale);
    return byDivision({ ...layer, a: { ...layer.a, scale: a }, b: { ...layer.b, scale: b } }, za, zb);
  });

const DEQUANTIZED = 'both operands are dequantized to float32, their sum';
const PYTORCH = "PyTorch's vectorized float32 (fused multiply-adds)";

const FORMULAS: readonly FormulaChoice[] = [
  float32('float32-division', `${DEQUANTIZED} divided by the scale of the output`, byDivision),
  float32('float32-reciprocal', `${DEQUANTIZED} multiplied with the reciprocal of the scale`, byReciprocal),
  float32('pytorch', `${PYTORCH}, and another formula at the end of a block`, fused, byReciprocal),
  float32('pytorch-without-tail', `${PYTORCH} for all elements`, fused),
  float64('multipliers-22', 'two fixed-point multipliers of 22 bits (qnnpack)', multipliers(qnnpack)),
  float64('float64', 'float64', multipliers(unrounded)),
  ...[31, 16, 8, 15, 12, 10, 20, 24].map((bits) =>
    float64(`multipliers-${bits}`, `two fixed-point multipliers of ${bits} bits`, multipliers(sharedExponent(bits))),
  ),
  withScales('first-for-both', "the first operand's scale is used for both", (a) => [a, a]),
  withScales('second-for-both', "the second operand's scale is used for both", (_, b) => [b, b]),
  withScales('swapped', 'the scales of the operands are swapped', (a, b) => [b, a]),
  float64('not-rescaled', 'bytes are added without rescaling', (_, za, zb) => (x, y) => x - za + (y - zb)),
];

/** An engine's own add, tail and all, less the output's zero point; what it clamps to is another step. */
const byEngine =
  (info: TensorInfo, { output, ...layer }: AddLayer) =>
  (engine: Engine): Pick<FormulaChoice, 'float32' | 'of' | 'at'> => {
    const at = ({ a, b }: Pick<AddLayer, 'a' | 'b'>) => {
      const functions = engine.add({ ...layer, a, b, output, relu: false, clamp: byteRange(output.type) });
      const isTail = tailOf(functions, info);
      return (x: number, y: number, element: number): number =>
        (functions.tail && isTail(element) ? functions.tail : functions.body)(x, y) - output.zeroPoint;
    };
    at(layer);
    return { float32: false, of: multipliers(unrounded), at };
  };

/** How the engines do it. */
const REFERENCES = [
  { formula: 'float32-division', order: 'before', rounding: 'even' },
  { formula: 'pytorch', order: 'after', rounding: 'even' },
  { formula: 'multipliers-22', order: 'after', rounding: 'away' },
];

/** An add of two 8-bit tensors as a family of implementations. There are no accumulators: sums are indices. */
export function addProblem({ layer }: Definition<'add'>, question: LayerQuestion): Problem {
  const { node, bound, operands, theirs } = question;
  const [x, y] = node.inputs.map((name) => operands.get(name)!) as [Uint8Array, Uint8Array];
  const { output } = layer;
  const info = bound.context.info(node.outputs[0]!);
  const isTail = tailOf(bound.engine.add(layer), info);
  const formulas: FormulaChoice[] = [...FORMULAS, ...engineChoices(bound.engine, byEngine(info, layer))];
  const zero = dimension(zeroChoices(layer));
  const own = { formula: engineWay(bound.engine), order: 'after', rounding: 'even' };
  return whereReferenceIs(question, [...REFERENCES, own], ({ formula, ...reference }) =>
    problemOf(
      {},
      {
        zero,
        formula: dimension(formulas, formula),
        ...endingOf({ ...reference, clamp: ownClamp(layer) }, clampChoices(layer, theirs)),
      },
      {
        theirs,
        groupSize: 1,
        products: 1,
        sums: () => ({ at: (element) => element, all: () => Float64Array.from(theirs as Uint8Array, (_, i) => i) }),
        output(ways) {
          const { zero, formula } = ways;
          const [za, zb] = zero.zeros;
          const whole = formula.at?.({ ...layer, a: { ...layer.a, zeroPoint: za }, b: { ...layer.b, zeroPoint: zb } });
          const body = formula.of(layer, za, zb);
          const tail = formula.tail?.(layer, za, zb);
          const last = finish(ways, output.zeroPoint, formula.float32);
          const atEnd = finish(ways, output.zeroPoint, formula.float32, { before: true });
          if (whole) return (_, i) => last(whole(x[i]!, y[i]!, i));
          return (_, i) => (tail && isTail(i) ? atEnd(tail(x[i]!, y[i]!)) : last(body(x[i]!, y[i]!)));
        },
      },
    ),
  );
}
