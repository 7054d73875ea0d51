import { elementCount } from '../../../../src/graph/graph.ts';
import { isImage, isMatrix, ofReal, type Builder, type Value } from '../builder.ts';
import { convolution, weights } from './linear.ts';

/** TensorProto.DataType of float32. */
const FLOAT = 1;

/** A sum of as many products may be 2^24 or more. */
export const LONG = 600;

/** int32 sums as float32: in the order in which quantize_dynamic writes it, with factors and terms on either side. */
function scaled(builder: Builder, sums: string, scales: readonly [string, string], bias: string | undefined): string {
  const { random } = builder;
  const either = (a: string, b: string): string[] => (random.chance(0.5) ? [a, b] : [b, a]);
  const real = builder.node('Cast', [sums], { to: FLOAT });
  const products = random.chance(0.9)
    ? either(real, builder.node('Mul', either(...scales)))
    : either(builder.node('Mul', either(real, scales[0])), scales[1]);
  const result = builder.node('Mul', products);
  return bias === undefined ? result : builder.node('Add', either(result, bias));
}

/** Zeros may be left out. */
const zeros = ({ random }: Builder, x: string, w: string): string[] =>
  random.chance(0.85) ? [x, w] : random.pick([[x], [], ['', w]]);

const biasOf = (builder: Builder, dims: readonly number[]): string | undefined =>
  builder.random.chance(0.6)
    ? builder.constant(
        'b',
        Float32Array.from({ length: elementCount(dims) }, () => (builder.random.unit() - 0.5) * 3),
        dims,
      )
    : undefined;

/** DynamicQuantizeLinear, ConvInteger, and what makes float32 of its sums. */
export const integerConv = ofReal((builder, x) => {
  const { shape, attributes, y } = convolution(builder, x.shape);
  const w = weights(builder, shape, 0, false);
  const { bytes, scale, zeroPoint } = builder.quantizeByRange(x);
  const sums = builder.node('ConvInteger', [bytes, w.bytes, ...zeros(builder, zeroPoint, w.zeroPoint)], attributes);
  const bias = biasOf(builder, [1, shape[0]!, 1, 1]);
  return { name: scaled(builder, sums, [scale, w.scale], bias), shape: y };
}, isImage);

/** The same of matrices; the weights have a zero point and a scale for all, or one a column. */
export const integerMatMul = ofReal((builder, x) => {
  const { random } = builder;
  const n = random.integer(1, 7);
  const k = x.shape.at(-1)!;
  const w = weights(builder, [k, n], 1, random.chance(0.3), k >= LONG && random.chance(0.7));
  const { bytes, scale, zeroPoint } = builder.quantizeByRange(x);
  const sums = builder.node('MatMulInteger', [bytes, w.bytes, ...zeros(builder, zeroPoint, w.zeroPoint)]);
  const bias = biasOf(builder, [n]);
  return { name: scaled(builder, sums, [scale, w.scale], bias), shape: [...x.shape.slice(0, -1), n] };
}, isMatrix);

/** Nothing but the bytes. */
export const range = (builder: Builder): boolean => {
  const x: Value | undefined = builder.real();
  if (x) builder.quantizeByRange(x);
  return x !== undefined;
};
