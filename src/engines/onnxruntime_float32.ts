import type { GraphNode } from '../graph/graph.ts';
import type {
  Engine,
  Float32Layer,
  Float32Operators,
  Float32Order,
  Float32PoolLayer,
  Float32ProductsLayer,
  Float32Function,
  MultiplyAdd,
} from './engine.ts';
import { twoRoundings } from './float32.ts';
import { clamp, f32, roundHalfEven } from './rounding.ts';

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

/** MLAS's exponential function: 2^whole times a polynomial of the rest. */
const EXP = {
  /** In a Softmax, which has no values above 0. */
  leastTerm: f32(-88.3762626647949),
  least: f32(-103.9720840454),
  most: f32(88.776262664795),
  log2e: f32(1.4426950408889634),
  round: f32(1.5 * 2 ** 23),
  ln2: [f32(-6.93145752e-1), f32(-1.42860677e-6)],
  // 0x1.694p-10, 0x1.125edcp-7, 0x1.555b5ap-5, 0x1.55545p-3, 0x1.fffff6p-2, 1
  polynomial: [0.0013780594, 0.0083731245, 0.041669536, 0.16666472, 0.49999985, 1].map(f32),
} as const;

/** x = whole * ln 2 + rest. */
function reduced(x: number): { whole: number; rest: number } {
  const whole = f32(twoRoundings(x, EXP.log2e, EXP.round) - EXP.round);
  return { whole, rest: twoRoundings(whole, EXP.ln2[1]!, twoRoundings(whole, EXP.ln2[0]!, x)) };
}

/** e^x of a difference to the largest value of a row. */
function term(difference: number): number {
  const { whole, rest } = reduced(Math.max(difference, EXP.leastTerm));
  // of 2^-127 the bits are those of 0
  return f32(horner([...EXP.polynomial, 1], rest, twoRoundings) * (whole < -126 ? 0 : 2 ** whole));
}

/** e^x: 2^whole as two factors, of which the last is all of it but where that is no normal number. */
function exp(value: number): number {
  const x = Math.min(Math.max(value, EXP.least), EXP.most);
  const { whole, rest } = reduced(x);
  const last = Math.min(Math.max(whole, -126), 127);
  const first = 2 ** (whole - last);
  const sum = horner(EXP.polynomial, rest, twoRoundings);
  return f32(twoRoundings(sum, f32(rest * first), first) * 2 ** last);
}

/** In four lanes, (0 + 2) + (1 + 3), and what is left over one by one. */
function laneSum(values: ArrayLike<number>): number {
  const whole = values.length - (values.length % 4);
  const lanes = [0, 0, 0, 0];
  for (let i = 0; i < whole; i++) lanes[i % 4] = f32(lanes[i % 4]! + values[i]!);
  let sum = f32(f32(lanes[0]! + lanes[2]!) + f32(lanes[1]! + lanes[3]!));
  for (let i = whole; i < values.length; i++) sum = f32(sum + values[i]!);
  return sum;
}

function softmax(row: Float32Array): Float32Array {
  const largest = row.reduce((most, x) => Math.max(most, x), -Infinity);
  const terms = row.map((x) => term(f32(x - largest)));
  const reciprocal = f32(1 / laneSum(terms));
  return terms.map((t) => f32(t * reciprocal));
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
  node: Pick<GraphNode, 'op' | 'attributes'>,
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
    case 'Pow':
      // of 3 or 2: see the reader of the format
      return (x, exponent) => (exponent === 3 ? f32(f32(x! * x!) * x!) : f32(x! * x!));
    case 'Exp':
      return (x) => exp(x!);
    case 'Abs':
      return (x) => Math.abs(x!);
    case 'Neg':
      return (x) => -x!;
    case 'Sqrt':
      return (x) => f32(Math.sqrt(x!));
    case 'Reciprocal':
      return (x) => f32(1 / x!);
    case 'Cast':
      return (x) => f32(x!);
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

type Described = (
  number: (attribute: string, fallback: number) => number,
  constants: Float32Layer['constants'],
) => Omit<Float32Function, 'at'>;

const plain =
  (shader: string): Described =>
  () => ({ shader, constants: [] });

/** The same functions as shaders have them. */
const SHADERS: Readonly<Record<string, Described>> = {
  Add: plain('add'),
  Sub: plain('subtract'),
  Mul: plain('multiply'),
  Div: plain('divide'),
  PRelu: plain('prelu'),
  Relu: () => ({ shader: 'clip', constants: [0, Infinity] }),
  Clip: (number, [min = number('min', -Infinity), max = number('max', Infinity)]) => ({
    shader: 'clip',
    constants: [min, max],
  }),
  LeakyRelu: (number) => ({ shader: 'leaky_relu', constants: [number('alpha', 0.01)] }),
  HardSigmoid: (number) => ({ shader: 'hard_sigmoid', constants: [number('alpha', 0.2), number('beta', 0.5)] }),
  HardSwish: () => ({ shader: 'hard_swish', constants: [f32(1 / 6), 0.5] }),
  Sigmoid: () => ({ shader: 'sigmoid', constants: [LOGISTIC.bound, ...NUMERATOR, ...DENOMINATOR] }),
  Tanh: () => ({ shader: 'tanh', constants: [TANH.bound, ...TANH.numerator, ...TANH.denominator] }),
  Erf: () => ({
    shader: 'erf',
    constants: [
      ...[ERF.bound, ERF.split, ...ERF.near, ...ERF.far, ...ERF.exp],
      ...[ERF.least, ERF.log2e, ERF.round, ...ERF.ln2],
    ],
  }),
  Pow: (_, [exponent]) => ({ shader: exponent === 3 ? 'cube' : 'square', constants: [] }),
  Exp: () => ({
    shader: 'exp',
    constants: [EXP.least, EXP.most, EXP.log2e, EXP.round, ...EXP.ln2, ...EXP.polynomial],
  }),
  Abs: plain('abs'),
  Neg: plain('negate'),
  Sqrt: plain('square_root'),
  Reciprocal: plain('reciprocal'),
  Cast: plain('from_int32'),
};

/** Does MLAS pool by vectors? Those sum columns first. */
const hasVectors = ({ window: { kernel, strides, pads, dilations }, width }: Float32PoolLayer): boolean =>
  strides[1]! <= 2 &&
  Math.max(...kernel) <= 32 &&
  width + pads[1]! + pads[3]! <= 2045 &&
  dilations.every((d) => d === 1);

/** Elements of a panel of MLAS's in both directions; of constants those along the depth. */
const PANEL = 128;
const PACKED_PANEL = 256;
const LEAST_COLUMNS = 16;

/** The depth of a panel: of few columns more, and of little depth less. */
function panelDepth({ columns, depth }: Float32ProductsLayer): number {
  let [across, along] = [PANEL, PANEL];
  if (columns >= depth) while (along / 2 >= depth) along /= 2;
  else
    while (across > LEAST_COLUMNS && across / 2 >= columns) {
      along *= 2;
      across /= 2;
    }
  return along;
}

/** Does the second matrix lie in memory, as it is or transposed? A convolution's else is gathered, pixel by pixel. */
function asItLies({ columns, transposed, image }: Float32ProductsLayer): 'plain' | 'transposed' | undefined {
  if (!image) return transposed || columns === 1 ? 'transposed' : 'plain';
  const { kernel, strides, pads } = image.window;
  if (!strides.every((s) => s === 1) || pads.some(Boolean)) return undefined;
  if (kernel.every((k) => k === 1)) return 'plain';
  return image.channels === 1 && kernel[1] === image.width ? 'transposed' : undefined;
}

/** Is the window the whole plane? */
const isWhole = ({ window: { kernel, strides, pads }, width, height }: Float32PoolLayer): boolean =>
  kernel[0] === height && kernel[1] === width && strides.every((s) => s === 1) && !pads.some(Boolean);

const orderOf = (layer: Float32PoolLayer): Float32Order =>
  isWhole(layer) ? 'lanes' : hasVectors(layer) ? 'columns' : 'rows';

/**
 * Float32 operators of onnxruntime-web (wasm, one thread), which has no fused multiply-add. Measured on onnxruntime-web 1.30,
 * every step: 0 mismatches.
 */
export const float32Operators: Float32Operators = {
  element({ op, attributes, constants }) {
    const f = floatFunction({ op, attributes }, {});
    const described = Object.hasOwn(SHADERS, op) ? SHADERS[op] : undefined;
    if (!f || !described) return undefined;
    const number = (attribute: string, fallback: number): number => f32(Number(attributes[attribute] ?? fallback));
    const at = (...operands: number[]): number => f(...operands, ...(constants as number[]));
    return { at, ...described(number, constants) };
  },

  average: (layer) => (layer.op === 'AveragePool' && layer.opset >= 19 ? 'rows' : orderOf(layer)),
  maximum: orderOf,

  products(layer) {
    if (layer.packed) return { as: 'blocks', block: PACKED_PANEL };
    const block = panelDepth(layer);
    const lies = asItLies(layer);
    if (layer.rows > 1 || lies === 'transposed') return { as: 'blocks', block };
    return { as: 'running', block: lies ? layer.depth : block };
  },

  softmax: { row: softmax, constants: [EXP.leastTerm, EXP.log2e, EXP.round, ...EXP.ln2, ...EXP.polynomial, 1] },

  // a NaN in the last places, which are no whole vector, is not seen
  range(x) {
    if (x.subarray(0, x.length - (x.length % 4)).some(Number.isNaN)) return [NaN, NaN];
    let [least, most] = [0, 0];
    for (const v of x) {
      if (v < least) least = v;
      if (v > most) most = v;
    }
    return [least, most];
  },

  scale: (least, most) => (most === least ? 1 : f32(f32(most - least) / 255)),

  zeroPoint(least, scale) {
    const zero = f32(0 - f32(least / scale));
    return Number.isNaN(zero) ? 255 : roundHalfEven(clamp(zero, 0, 255));
  },

  // ties are even before the zero point
  quantize: (scale, zeroPoint) => (x) => {
    const code = roundHalfEven(f32(x / scale)) + zeroPoint;
    return Number.isNaN(code) ? 0 : clamp(code, 0, 255);
  },
};
