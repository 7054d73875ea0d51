import { f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { LinearLayer } from '../../../src/engines/engine.ts';
import { waysOf, type Choice } from '../problem.ts';

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
  readonly of: (scales: Scales, channel: number) => Scaler;
  /** The bias that goes with it, in place of the reference's own. */
  readonly integerBias?: (channel: number) => number;
  /** The weight scale of a channel, where it is not its own. */
  readonly weightScale?: (layer: LinearLayer) => number;
}

const way = waysOf('scale');

const throughInverse = (s: number): number => f32(1 / f32(1 / s));

/** One scale after the other, or their product at once. */
const inTurn =
  (weight: (w: number) => number) =>
  (s: number, w: number): ((sum: number) => number) => {
    const sw = weight(w);
    return (sum) => f32(f32(sum * s) * sw);
  };
const atOnce =
  (weight: (w: number) => number) =>
  (s: number, w: number): ((sum: number) => number) => {
    const scale = f32(s * weight(w));
    return (sum) => f32(sum * scale);
  };

const multiplied = (y: number): ((real: number) => number) => {
  const inverse = throughInverse(f32(1 / y));
  return (real) => f32(real * inverse);
};
const divided = (y: number): ((real: number) => number) => {
  const scale = throughInverse(y);
  return (real) => f32(real / scale);
};

/** onednn's: in real units, where the bias is added, and back; the input's and the output's scale go through their inverses. */
const dequantized = (
  id: string,
  detail: string,
  toReal: ReturnType<typeof inTurn>,
  toUnits = multiplied,
): ScaleChoice =>
  way(id, `the sum is dequantized to float32${detail}`, {
    float32: true,
    of({ x, w, y }: Scales): Scaler {
      const [real, units] = [toReal(throughInverse(x), w), toUnits(y)];
      return (sum, bias) => units(f32(real(f32(sum)) + bias));
    },
  });

/** One float32 multiplication. */
const single = (id: string, detail: string, multiplier: (s: Scales) => number): ScaleChoice =>
  way(id, detail, {
    float32: true,
    of(s: Scales): Scaler {
      const m = multiplier(s);
      return (sum, real) => {
        const value = f32(f32(sum) * m);
        return real === 0 ? value : f32(value + f32(real / s.y));
      };
    },
  });

/** One float64 multiplication: for the sums and multipliers here an exact product. */
const double = (id: string, detail: string, multiplier: (s: Scales) => number): ScaleChoice =>
  way(id, detail, {
    float32: false,
    of(s: Scales): Scaler {
      const m = multiplier(s);
      return (sum, real) => sum * m + (real === 0 ? 0 : real / s.y);
    },
  });

const nearest = (v: number): number => Math.floor(v + 0.5);

/** x rounded to a mantissa of `bits` bits; these many bits of another number, where the two have one exponent. */
export function mantissa(x: number, bits: number, round: (v: number) => number = nearest, largest = x): number {
  const unit = 2 ** (Math.floor(Math.log2(largest)) + 1 - bits);
  return round(x / unit) * unit;
}

/** Multipliers of these many bits are common in hardware and in libraries. */
const MANTISSAS = [31, 16, 8, 15, 24, 12, 10, 32, 30, 23, 18, 17, 14, 13, 11, 9, 7];
const SHIFTS = [16, 24, 15, 20, 12, 8, 10, 14, 18, 22, 23, 26, 28, 30, 31, 32];

const EXACT = ({ x, w, y }: Scales): number => (x * w) / y;

const FLOATS: readonly ScaleChoice[] = [
  single('float32-division', 'the scale is the float32 sx*sw/sy', ({ x, w, y }) => f32(f32(f32(x) * f32(w)) / f32(y))),
  single('float32-reciprocal', 'the scale is the float32 sx*sw*(1/sy), by the reciprocal', ({ x, w, y }) =>
    f32(f32(f32(w) * f32(x)) * f32(1 / f32(y))),
  ),
  double('float64', 'the scale is the float64 sx*sw/sy', EXACT),
  dequantized('real-float32', ' and quantized again', inTurn(f32)),
  dequantized(
    'real-float32-inverses',
    " and quantized again, the weights' scale by its inverse",
    inTurn(throughInverse),
  ),
  dequantized('real-float32-product', ' by the product of both scales and quantized again', atOnce(f32)),
  dequantized(
    'real-float32-product-inverses',
    " by the product of both scales, the weights' by its inverse, and quantized again",
    atOnce(throughInverse),
  ),
  dequantized('real-float32-division', ' and quantized again by a division', inTurn(f32), divided),
  single('float32-rounded-once', 'the scale is sx*sw/sy, rounded once to float32', (s) => f32(EXACT(s))),
  single('float32-ratio-first', 'the scale is the float32 (sx/sy)*sw', ({ x, w, y }) => f32(f32(f32(x) / y) * w)),
  double('float32-times-float64', 'the scale is a float32, the product a float64', ({ x, w, y }) =>
    f32(f32(f32(x) * w) / y),
  ),
];

const fixed = (suffix: string, how: string, round: (v: number) => number): ScaleChoice[] => [
  ...MANTISSAS.map((bits) =>
    double(`mantissa-${bits}${suffix}`, `the scale is fixed point, a mantissa of ${bits} bits${how}`, (s) =>
      mantissa(EXACT(s), bits, round),
    ),
  ),
  ...SHIFTS.map((bits) =>
    double(
      `fraction-${bits}${suffix}`,
      `the scale is fixed point, ${bits} bits behind the point${how}`,
      (s) => round(EXACT(s) * 2 ** bits) / 2 ** bits,
    ),
  ),
];

const powerOfTwo = (id: string, which: string, round: (v: number) => number): ScaleChoice =>
  double(
    `power-of-two-${id}`,
    `the scale is the ${which} power of two: a shift alone`,
    (s) => 2 ** round(Math.log2(EXACT(s))),
  );

const FIXED: readonly ScaleChoice[] = [
  ...fixed('', '', nearest),
  ...fixed('-truncated', ', truncated', Math.floor),
  powerOfTwo('nearest', 'nearest', roundHalfEven),
  powerOfTwo('floor', 'next lower', Math.floor),
  powerOfTwo('ceil', 'next higher', Math.ceil),
];

/** One weight scale for all channels. */
const PER_TENSOR: readonly (readonly [id: string, whose: string, of: (scales: ArrayLike<number>) => number])[] = [
  ['first', "the first channel's", (scales) => scales[0]!],
  ['max', 'the largest', (scales) => Math.max(...Array.from(scales))],
  ['mean', 'the mean', (scales) => f32(Array.from(scales).reduce((a, b) => a + b, 0) / scales.length)],
  ['last', "the last channel's", (scales) => scales[scales.length - 1]!],
];

/** @param reference the id of the reference's own way, which the per-tensor ways vary */
export function scaleChoices(layer: LinearLayer, reference: string): ScaleChoice[] {
  const base = FLOATS.find(({ id }) => id === reference) ?? FLOATS[0]!;
  const { float32, of } = base;
  const perTensor = PER_TENSOR.map(([id, whose, weightScale]) =>
    way(`per-tensor-${id}`, `the scale is per tensor: ${whose} for all channels`, {
      float32,
      of,
      weightScale: (layer: LinearLayer) => weightScale(layer.weightScale),
    }),
  );
  const without = (id: string, whose: string, scale: keyof Scales): ScaleChoice =>
    way(`without-${id}`, `${whose} scale is left out`, {
      float32,
      of: (s: Scales, channel: number) => of({ ...s, [scale]: 1 }, channel),
    });
  return [
    ...FLOATS,
    ...(layer.weightScale.length > 1 ? perTensor : []),
    ...FIXED,
    without('input', "the input's", 'x'),
    without('weight', "the weights'", 'w'),
    without('output', "the output's", 'y'),
  ];
}
