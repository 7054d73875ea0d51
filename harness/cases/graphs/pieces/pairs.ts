import { byteRange } from '../../../../src/graph/graph.ts';
import { bytesOf, bytesWith, ofBytes, ofReal, operandsOf, type Builder, type Value } from '../builder.ts';
import { sameType } from './linear.ts';

const sameShape = (a: Value) => (b: Value) => a.shape.join() === b.shape.join();

/** A second operand: another tensor of the shape, or the same one again. */
const partner = <T extends Value>(
  { random }: Builder,
  a: T,
  find: (fits: (value: Value) => boolean) => T | undefined,
): T => (random.chance(0.3) ? a : (find(sameShape(a)) ?? a));

/** One value, or one a channel: in float32, or of bytes behind a DequantizeLinear. */
function constant(builder: Builder, { shape }: Value): string {
  const { random } = builder;
  const perChannel = random.chance(0.4);
  const count = perChannel ? shape[1]! : 1;
  const dims = !perChannel
    ? []
    : shape.length === 4
      ? random.pick([
          [count, 1, 1],
          [1, count, 1, 1],
        ])
      : [count];
  if (random.chance(0.7))
    return builder.constant(
      'c',
      Float32Array.from({ length: count }, () => (random.unit() - 0.5) * 2),
      dims,
    );
  const { type, scale, zeroPoint } = builder.quantization();
  const [min, max] = byteRange(type);
  const data = bytesOf(
    type,
    Array.from({ length: count }, () => random.integer(min, max)),
  );
  return builder.node('DequantizeLinear', [builder.constant('c', data, dims), scale, zeroPoint]);
}

/** Add and Mul of two tensors, or of one and a constant. */
export const pair = ofReal((builder, a) => {
  const { random } = builder;
  const op = random.pick(['Add', 'Add', 'Add', 'Mul', 'Sub']);
  const isConstant = op === 'Sub' ? random.chance(0.9) : random.chance(0.15);
  const b = isConstant ? constant(builder, a) : partner(builder, a, (fits) => builder.real(fits)).name;
  const inputs = random.chance(0.5) ? [a.name, b] : [b, a.name];
  return { name: builder.node(op, inputs), shape: a.shape };
});

export const qlinearPair = ofBytes((builder, a) => {
  const b = partner(builder, a, (fits) => builder.bytes((value) => value.type === a.type && fits(value)));
  const output = sameType(builder, a.quantization);
  const inputs = [...operandsOf(a), ...operandsOf(b), output.scale, output.zeroPoint];
  const op = builder.random.pick(['QLinearAdd', 'QLinearMul']);
  return bytesWith(builder.node(op, inputs, {}, 'com.microsoft'), a.shape, output);
});
