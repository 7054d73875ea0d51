import { f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { LinearLayer } from '../../../src/engines/engine.ts';
import type { Choice } from '../problem.ts';

/** The scales of one channel. */
export interface Scales {
  readonly x: number;
  readonly w: number;
  readonly y: number;
}

/** From a sum, and a bias in real units (0 where there is none), to a value in units of the output. */
type Scaler = (sum: number, real: number) => number;

export interface ScaleChoice extends Choice {
  /** Are values float32? Else float64. */
  readonly float32: boolean;
  readonly of: (scales: Scales) => Scaler;
  /** The weight scale of a channel, where it is not its own. */
  readonly weightScale?: (layer: LinearLayer) => number;
}

const kind = 'scale';

const throughInverse = (s: number): number => f32(1 / f32(1 / s));

/** onednn's order of operations; the input's and the output's scale go through their inverses. */
const dequantized =
  (weight: (w: number) => number) =>
  ({ x, w, y }: Scales): Scaler => {
    const [s, sw, inverse] = [throughInverse(x), weight(w), throughInverse(f32(1 / y))];
    return (sum, real) => f32(f32(f32(f32(f32(sum) * s) * sw) + real) * inverse);
  };

/** One float32 multiplication. */
const single =
  (multiplier: (s: Scales) => number) =>
  (s: Scales): Scaler => {
    const m = multiplier(s);
    return (sum, real) => {
      const value = f32(f32(sum) * m);
      return real === 0 ? value : f32(value + f32(real / s.y));
    };
  };

/** One float64 multiplication: for the sums and multipliers here an exact product. */
const double =
  (multiplier: (s: Scales) => number) =>
  (s: Scales): Scaler => {
    const m = multiplier(s);
    return (sum, real) => sum * m + (real === 0 ? 0 : real / s.y);
  };

/** x rounded to a mantissa of `bits` bits. */
function mantissa(x: number, bits: number, round: (v: number) => number): number {
  const unit = 2 ** (Math.floor(Math.log2(x)) + 1 - bits);
  return round(x / unit) * unit;
}

/** Multipliers of these many bits are common in hardware and in libraries. */
const MANTISSAS = [31, 16, 8, 15, 24, 12, 10, 32, 30, 23, 18, 17, 14, 13, 11, 9, 7];
const SHIFTS = [16, 24, 15, 20, 12, 8, 10, 14, 18, 22, 23, 26, 28, 30, 31, 32];

const EXACT: (s: Scales) => number = ({ x, w, y }) => (x * w) / y;

const FLOATS: readonly ScaleChoice[] = [
  {
    id: 'float32-division',
    kind,
    detail: 'the scale is the float32 sx*sw/sy',
    float32: true,
    of: single(({ x, w, y }) => f32(f32(f32(x) * f32(w)) / f32(y))),
  },
  {
    id: 'float32-reciprocal',
    kind,
    detail: 'the scale is the float32 sx*sw*(1/sy), by the reciprocal',
    float32: true,
    of: single(({ x, w, y }) => f32(f32(f32(w) * f32(x)) * f32(1 / f32(y)))),
  },
  {
    id: 'float64',
    kind,
    detail: 'the scale is the float64 sx*sw/sy',
    float32: false,
    of: double(EXACT),
  },
  {
    id: 'real-float32',
    kind,
    detail: 'the sum is dequantized to float32 and quantized again',
    float32: true,
    of: dequantized(f32),
  },
  {
    id: 'real-float32-inverses',
    kind,
    detail: "the sum is dequantized to float32 and quantized again, the weights' scale by its inverse",
    float32: true,
    of: dequantized(throughInverse),
  },
  {
    id: 'float32-rounded-once',
    kind,
    detail: 'the scale is sx*sw/sy, rounded once to float32',
    float32: true,
    of: single((s) => f32(EXACT(s))),
  },
  {
    id: 'float32-ratio-first',
    kind,
    detail: 'the scale is the float32 (sx/sy)*sw',
    float32: true,
    of: single(({ x, w, y }) => f32(f32(f32(x) / y) * w)),
  },
  {
    id: 'float32-times-float64',
    kind,
    detail: 'the scale is a float32, the product a float64',
    float32: false,
    of: double(({ x, w, y }) => f32(f32(f32(x) * w) / y)),
  },
];

const nearest = (v: number): number => Math.floor(v + 0.5);

function fixed(): ScaleChoice[] {
  const roundings = [
    { id: '', detail: '', round: nearest },
    { id: '-truncated', detail: ', truncated', round: Math.floor },
  ];
  const choices: ScaleChoice[] = [];
  for (const { id, detail, round } of roundings) {
    for (const bits of MANTISSAS)
      choices.push({
        id: `mantissa-${bits}${id}`,
        kind,
        detail: `the scale is fixed point, a mantissa of ${bits} bits${detail}`,
        float32: false,
        of: double((s) => mantissa(EXACT(s), bits, round)),
      });
    for (const bits of SHIFTS)
      choices.push({
        id: `fraction-${bits}${id}`,
        kind,
        detail: `the scale is fixed point, ${bits} bits behind the point${detail}`,
        float32: false,
        of: double((s) => round(EXACT(s) * 2 ** bits) / 2 ** bits),
      });
  }
  for (const [id, detail, round] of [
    ['nearest', 'nearest', (v: number) => roundHalfEven(v)],
    ['floor', 'next lower', Math.floor],
    ['ceil', 'next higher', Math.ceil],
  ] as const)
    choices.push({
      id: `power-of-two-${id}`,
      kind,
      detail: `the scale is the ${detail} power of two: a shift alone`,
      float32: false,
      of: double((s) => 2 ** round(Math.log2(EXACT(s)))),
    });
  return choices;
}

/** One weight scale for all channels. */
const PER_TENSOR: readonly { id: string; detail: string; weightScale: (layer: LinearLayer) => number }[] = [
  { id: 'first', detail: "the first channel's", weightScale: ({ weightScale }) => weightScale[0]! },
  { id: 'max', detail: 'the largest', weightScale: ({ weightScale }) => Math.max(...weightScale) },
  {
    id: 'mean',
    detail: 'the mean',
    weightScale: ({ weightScale }) => f32(Array.from(weightScale).reduce((a, b) => a + b, 0) / weightScale.length),
  },
  { id: 'last', detail: "the last channel's", weightScale: ({ weightScale }) => weightScale.at(-1)! },
];

/** @param reference the id of the reference's own way, which the per-tensor ways vary */
export function scaleChoices(layer: LinearLayer, reference: string): ScaleChoice[] {
  const base = FLOATS.find(({ id }) => id === reference) ?? FLOATS[0]!;
  const perTensor = PER_TENSOR.map(({ id, detail, weightScale }) => ({
    ...base,
    id: `per-tensor-${id}`,
    detail: `the scale is per tensor: ${detail} for all channels`,
    weightScale,
  }));
  const without: ScaleChoice[] = [
    { ...base, id: 'without-input', detail: "the input's scale is left out", of: (s) => base.of({ ...s, x: 1 }) },
    { ...base, id: 'without-weight', detail: "the weights' scale is left out", of: (s) => base.of({ ...s, w: 1 }) },
    { ...base, id: 'without-output', detail: "the output's scale is left out", of: (s) => base.of({ ...s, y: 1 }) },
  ];
  return [...FLOATS, ...(layer.weightScale.length > 1 ? perTensor : []), ...fixed(), ...without];
}
