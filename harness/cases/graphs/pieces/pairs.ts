import type { Builder, Piece, Value } from '../builder.ts';
import { sameType } from './linear.ts';

const sameShape = (a: Value) => (b: Value) => a.shape.join() === b.shape.join();

/** A second operand: another tensor of the shape, or the same one again. */
const partner = (builder: Builder, a: Value, find: (fits: (value: Value) => boolean) => Value | undefined): Value =>
  builder.random.chance(0.3) ? a : (find(sameShape(a)) ?? a);

/** Add and Mul of two tensors, or of one and a constant. */
export const pair: Piece = (builder) => {
  const { random } = builder;
  const a = builder.real();
  if (!a) return false;
  const op = random.pick(['Add', 'Add', 'Add', 'Mul', 'Sub']);
  const isConstant = op === 'Sub' ? random.chance(0.9) : random.chance(0.15);
  const b = isConstant
    ? builder.constant('c', Float32Array.of((random.unit() - 0.5) * 2))
    : partner(builder, a, (fits) => builder.real(fits)).name;
  const inputs = random.chance(0.5) ? [a.name, b] : [b, a.name];
  builder.keep({ name: builder.node(op, inputs), shape: a.shape, type: 'float32' });
  return true;
};

export const qlinearPair: Piece = (builder) => {
  const { random } = builder;
  const a = builder.bytes();
  if (!a) return false;
  const b = partner(builder, a, (fits) => builder.bytes((value) => value.type === a.type && fits(value)));
  const output = sameType(builder, a.quantization!);
  const operands = [a, b].flatMap(({ name, quantization: q }) => [name, q!.scale, q!.zeroPoint]);
  const op = random.pick(['QLinearAdd', 'QLinearMul']);
  const name = builder.node(op, [...operands, output.scale, output.zeroPoint], {}, 'com.microsoft');
  builder.keep({ name, shape: a.shape, type: output.type, quantization: output });
  return true;
};
