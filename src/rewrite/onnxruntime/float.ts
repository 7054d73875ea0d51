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

/** MLAS's rational approximation of tanh, from the highest power of x^2 down. */
const TANH = {
  bound: 9,
  numerator: [
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5,
    6.37261928875436e-4, 4.89352455891786e-3,
  ].map(f32),
  denominator: [1.19825839466702e-6, 1.18534705686654e-4, 2.268434632439e-3, 4.89352518554385e-3].map(f32),
};

function tanh(multiplyAdd: MultiplyAdd): (x: number) => number {
  return (value) => {
    const x = Math.min(Math.max(value, -TANH.bound), TANH.bound);
    const square = f32(x * x);
    const p = f32(horner(TANH.numerator, square, multiplyAdd) * x);
    return f32(p / horner(TANH.denominator, square, multiplyAdd));
  };
}

/** MLAS's error function: a polynomial of x^2 near 0, beyond it 1 - exp of a polynomial of |x|. */
const ERF = {
  bound: f32(3.925),
  split: f32(0.921875),
  near: [-5.99104969e-4, 4.99339588e-3, -2.67667342e-2, 1.12818025e-1, -3.76124859e-1, 1.28379151e-1].map(f32),
  far: [1.7294893e-5, -3.8320868e-4, 3.88393435e-3, -2.42545605e-2, 1.06777847e-1, 6.34846687e-1, 1.28717512e-1].map(
    f32,
  ),
  exp: [1.38319808e-3, 8.37550033e-3, 4.16689515e-2, 1.66664466e-1, 4.99999851e-1, 1, 1].map(f32),
  least: f32(-88.3762626647949),
  log2e: f32(1.4426950408889634),
  ln2: [f32(-6.93145752e-1), f32(-1.42860677e-6)],
  /** What is added rounds to an integer. */
  round: f32(1.5 * 2 ** 23),
} as const;

function erf(multiplyAdd: MultiplyAdd): (x: number) => number {
  const far = (a: number): number => {
    const power = Math.max(-multiplyAdd(horner(ERF.far, a, multiplyAdd), a, a), ERF.least);
    const whole = f32(multiplyAdd(ERF.log2e, power, ERF.round) - ERF.round);
    const rest = multiplyAdd(whole, ERF.ln2[1], multiplyAdd(whole, ERF.ln2[0], power));
    return f32(1 - f32(horner(ERF.exp, rest, multiplyAdd) * 2 ** whole));
  };
  return (x) => {
    const a = Math.min(Math.abs(x), ERF.bound);
    const y = a > ERF.split ? far(a) : multiplyAdd(horner(ERF.near, f32(a * a), multiplyAdd), a, a);
    return x < 0 || Object.is(x, -0) ? -y : y;
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
    case 'Tanh': {
      const f = tanh(multiplyAdd);
      return (x) => f(x!);
    }
    case 'Erf': {
      const f = erf(multiplyAdd);
      return (x) => f(x!);
    }
    case 'Abs':
      return (x) => Math.abs(x!);
    case 'Neg':
      return (x) => -x!;
    case 'Sqrt':
      return (x) => f32(Math.sqrt(x!));
    case 'Reciprocal':
      return (x) => f32(1 / x!);
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
