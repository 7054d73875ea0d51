import type Fraction from 'fraction.js';
import { clamp, f32 } from '../../../src/engines/rounding.ts';
import type { Requantized, RoundedResult, Scale, Side } from './analysis.ts';
import {
  exactly,
  FIXED_POINT,
  float32,
  requantizeFixed,
  round,
  rounded,
  ROUNDINGS,
  type FixedPointRounding,
  type Rounding,
} from './exact.ts';

/** What stands behind a value that is to be rounded. */
export interface OutputStage {
  readonly zeroPoint: number;
  readonly clamp: readonly [least: number, most: number];
  gives(value: number): Side[];
}

const names = <T extends string>(table: Readonly<Record<T, string>>): T[] => Object.keys(table) as T[];

/** A value in units of the output under every rounding, the zero point added behind it or before. */
function roundings(
  stage: OutputStage,
  of: Pick<RoundedResult, 'of' | 'scale'>,
  value: { readonly after: Fraction; readonly before: Fraction },
): RoundedResult[] {
  return (['after', 'before'] as const).flatMap((zeroPoint) =>
    names<Rounding>(ROUNDINGS).map((rounding) => {
      const integer = round(value[zeroPoint], rounding) + (zeroPoint === 'after' ? stage.zeroPoint : 0);
      return result(stage, { rounding, ...of, zeroPoint }, integer);
    }),
  );
}

function result(stage: OutputStage, how: Omit<RoundedResult, 'value' | 'gives'>, integer: number): RoundedResult {
  const value = clamp(integer, ...stage.clamp);
  return { ...how, value, gives: stage.gives(value) };
}

/** An exact value in units of the output: all that can become of it. */
export function requantizedExactly(stage: OutputStage, exact: Fraction): Requantized {
  const value = { after: exact, before: exact.add(stage.zeroPoint) };
  return { exact: rounded(exact), products: [], results: roundings(stage, { of: 'exact' }, value) };
}

/** A sum of products and its bias: exactly, by the float32 scales, in fixed point. */
export function requantizedSum(
  stage: OutputStage,
  { accumulator, accumulation }: Required<Pick<Requantized, 'accumulator' | 'accumulation'>>,
  exact: Fraction,
  integerBias: number,
  scale: Scale,
): Requantized {
  const sum = accumulator + integerBias;
  const products = scale.float32.map(({ value }) => ({
    ...rounded(exactly(sum).mul(exactly(value))),
    float32: float32(f32(f32(sum) * value)),
  }));
  const exactly_ = requantizedExactly(stage, exact);
  return {
    accumulator,
    accumulation,
    exact: exactly_.exact,
    products,
    results: [
      ...exactly_.results,
      ...products.flatMap(({ float32: { value } }, i) => {
        const before = exactly(f32(value + stage.zeroPoint));
        return roundings(stage, { of: 'float32', scale: i }, { after: exactly(value), before });
      }),
      ...names<FixedPointRounding>(FIXED_POINT).map((rounding) =>
        result(
          stage,
          { rounding, of: 'fixed-point', zeroPoint: 'after' },
          requantizeFixed(sum, scale.fixedPoint, rounding) + stage.zeroPoint,
        ),
      ),
    ],
  };
}
