import type { Definition } from '../../../src/layers/definition.ts';
import { fma } from '../../../src/engines/float32.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import { dimension, problemOf, waysOf, type Choice, type Problem } from '../problem.ts';
import { clampChoices } from '../ways/clamp.ts';
import { numbers } from '../ways/input_quantization.ts';
import { endingOf, finish } from '../ways/rounding.ts';
import { whereReferenceIs, type LayerQuestion } from './family.ts';

interface ParametersChoice extends Choice {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The model's parameters, their own, and zero points that are one off; each pair of numbers once. */
function parameterChoices({ output }: Definition<'quantize'>, own: LayerQuestion['own']): ParametersChoice[] {
  const way = waysOf('input-quantization');
  const { scale, zeroPoint } = output;
  const all = [
    way('model', numbers(output), { scale, zeroPoint }),
    ...own.map((q) => way(q.id, `${q.detail}: ${numbers(q)}`, { scale: q.scale, zeroPoint: q.zeroPoint })),
    ...[zeroPoint - 1, zeroPoint + 1].map((zero) =>
      way(`zero-point ${zero}`, `the zero point is ${zero}`, { scale, zeroPoint: zero }),
    ),
  ];
  return all.filter((a, i) => all.findIndex((b) => a.scale === b.scale && a.zeroPoint === b.zeroPoint) === i);
}

/** From a real value to units of the output; the zero point is added later, unless it is fused. */
interface DivisionChoice extends Choice {
  readonly float32: boolean;
  readonly of: (scale: number) => (x: number) => number;
  /** With the zero point in a fused multiply-add, where it is added before rounding. */
  readonly fused?: (scale: number, zeroPoint: number) => (x: number) => number;
}

const way = waysOf('scale');
const reciprocal = (s: number) => (x: number) => f32(x * f32(1 / f32(s)));

const DIVISIONS: readonly DivisionChoice[] = [
  way('division', 'the float32 x/s', { float32: true, of: (s: number) => (x: number) => f32(x / f32(s)) }),
  way('fused', 'the float32 x*(1/s), fused with the zero point (PyTorch)', {
    float32: true,
    of: reciprocal,
    fused(s: number, z: number) {
      const inverse = f32(1 / f32(s));
      return (x: number) => fma(x, inverse, z);
    },
  }),
  way('reciprocal', 'the float32 x*(1/s)', { float32: true, of: reciprocal }),
  way('float64', 'the float64 x/s', { float32: false, of: (s: number) => (x: number) => x / s }),
];

/** How the engines do it. */
const REFERENCES = [
  { division: 'division', order: 'after', rounding: 'even', clamp: 'type' },
  { division: 'fused', order: 'before', rounding: 'even', clamp: 'type' },
  { division: 'division', order: 'after', rounding: 'away', clamp: 'type' },
  { division: 'reciprocal', order: 'after', rounding: 'even', clamp: 'type' },
];

/** A quantize of float32 values as a family of implementations. There are no accumulators: sums are the values. */
export function quantizeProblem(definition: Definition<'quantize'>, question: LayerQuestion): Problem {
  const { node, operands, theirs, own } = question;
  const x = Float64Array.from(operands.get(node.inputs[0]!) as Float32Array);
  const parameters = dimension(parameterChoices(definition, own));
  return whereReferenceIs(question, REFERENCES, ({ division, ...reference }) =>
    problemOf(
      {},
      {
        parameters,
        division: dimension(DIVISIONS, division),
        ...endingOf(reference, clampChoices(definition, theirs)),
      },
      {
        theirs,
        groupSize: theirs.length,
        products: 1,
        sums: () => ({ at: (element) => x[element]!, all: () => x }),
        output(ways) {
          const { scale, zeroPoint } = ways.parameters;
          const { fused, of, float32 } = ways.division;
          const isFused = fused && ways.order.before;
          // the zero point is in the value already
          const last = finish(ways, isFused ? 0 : zeroPoint, float32);
          const divided = isFused ? fused(scale, zeroPoint) : of(scale);
          return (value) => last(divided(value));
        },
      },
    ),
  );
}
