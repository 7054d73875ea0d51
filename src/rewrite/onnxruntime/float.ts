import type { GraphNode } from '../../graph/graph.ts';
import type { Engine, MultiplyAdd } from '../../engines/engine.ts';
import { twoRoundings } from '../../engines/float32.ts';
import { f32 } from '../../engines/rounding.ts';

/** Coefficients of MLAS's rational approximation of the logistic function, from the highest power of x^2 down. */
const LOGISTIC = {
  bound: 18,
  numerator: [4.37031012579801e-11, 1.15627324459942e-7, 6.08574864600143e-5, 8.51377133304701e-3, 2.48287947061529e-1],
  denominator: [
    6.10247389755681e-13, 5.76102136993427e-9, 6.2910678501704e-6, 1.70198817374094e-3, 1.16817656904453e-1,
    9.9315192102318e-1,
  ],
};
const NUMERATOR = LOGISTIC.numerator.map(f32);
const DENOMINATOR = LOGISTIC.denominator.map(f32);

const horner = (coefficients: readonly number[], x: number, multiplyAdd: MultiplyAdd): number =>
  coefficients.reduce((sum, coefficient) => multiplyAdd(sum, x, coefficient));

function sigmoid(multiplyAdd: MultiplyAdd): (x: number) => number {
  return (value) => {
    const x = Math.min(Math.max(value, -LOGISTIC.bound), LOGISTIC.bound);
    const square = f32(x * x);
    const p = f32(horner(NUMERATOR, square, multiplyAdd) * x);
    const quotient = f32(p / horner(DENOMINATOR, square, multiplyAdd));
    return Math.min(Math.max(f32(quotient + 0.5), 0), 1);
  };
}

/** Compared, so that the sign of a zero stays. */
const clip = (x: number, min: number, max: number): number => (x < min ? min : x > max ? max : x);

/** alpha x + beta, between 0 and 1. */
const hardSigmoid =
  (alpha: number, beta: number, multiplyAdd: MultiplyAdd) =>
  (x: number): number =>
    Math.max(Math.min(multiplyAdd(alpha, x, beta), 1), 0);

/** An element-wise float32 function of as many operands as it takes. */
type FloatFunction = (...operands: number[]) => number;

/**
 * What onnxruntime's float32 kernels of element-wise operators compute, one rounding a step; undefined for operators
 * whose arithmetic is not known. Measured over all 256 values of an 8-bit operand and many scales.
 */
export function floatFunction(
  node: GraphNode,
  { multiplyAdd = twoRoundings, contracted = twoRoundings }: Pick<Engine, 'multiplyAdd' | 'contracted'>,
): FloatFunction | undefined {
  const number = (attribute: string, fallback: number): number => f32(Number(node.attributes[attribute] ?? fallback));
  switch (node.op) {
    case 'Add':
      return (a, b) => f32(a! + b!);
    case 'Sub':
      return (a, b) => f32(a! - b!);
    case 'Mul':
      return (a, b) => f32(a! * b!);
    case 'Div':
      return (a, b) => f32(a! / b!);
    case 'Relu':
      return (x) => clip(x!, 0, Infinity);
    case 'Clip':
      return (x, min = number('min', -Infinity), max = number('max', Infinity)) => clip(x!, min, max);
    case 'LeakyRelu': {
      const alpha = number('alpha', 0.01);
      return (x) => (x! >= 0 ? x! : f32(alpha * x!));
    }
    case 'PRelu':
      return (x, slope) => (x! >= 0 ? x! : f32(slope! * x!));
    case 'Sigmoid': {
      const logistic = sigmoid(multiplyAdd);
      return (x) => logistic(x!);
    }
    case 'HardSigmoid': {
      const f = hardSigmoid(number('alpha', 0.2), number('beta', 0.5), contracted);
      return (x) => f(x!);
    }
    case 'HardSwish': {
      const f = hardSigmoid(f32(1 / 6), 0.5, contracted);
      return (x) => f32(x! * f(x!));
    }
    default:
      return undefined;
  }
}
