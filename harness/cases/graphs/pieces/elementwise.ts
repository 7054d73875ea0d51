import type { OnnxAttribute } from '../../../../models/onnx_writer.ts';
import type { Piece } from '../builder.ts';
import { sameType } from './linear.ts';

/** Element-wise operators of one tensor; Clip's bounds lie in the range of the bytes or out of it. */
export const activation: Piece = (builder) => {
  const { random } = builder;
  const x = builder.real();
  if (!x) return false;
  const op = random.pick(['Relu', 'Relu', 'Clip', 'Clip', 'LeakyRelu', 'PRelu', 'Sigmoid', 'HardSigmoid', 'HardSwish']);
  const inputs = [x.name];
  const attributes: Record<string, OnnxAttribute> = {};
  if (op === 'Clip')
    inputs.push(
      ...[random.pick([0, 0, -1, -100]), random.pick([6, 1, 100])].map((v) =>
        builder.constant('c', Float32Array.of(v)),
      ),
    );
  if (op === 'LeakyRelu') attributes['alpha'] = { float: Math.fround(random.unit()) };
  if (op === 'PRelu')
    inputs.push(
      builder.constant('c', Float32Array.of(random.unit() * 1.5 - 0.5), [[], [1], [1, 1]][random.integer(0, 2)]),
    );
  // HardSwish came with operator set 14
  const name =
    op === 'HardSwish'
      ? builder.node('Mul', [
          x.name,
          builder.node('HardSigmoid', [x.name], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
        ])
      : builder.node(op, inputs, attributes);
  builder.keep({ name, shape: x.shape, type: 'float32' });
  return true;
};

export const qlinearActivation: Piece = (builder) => {
  const { random } = builder;
  const x = builder.bytes();
  if (!x) return false;
  const output = sameType(builder, x.quantization!);
  const inputs = [x.name, x.quantization!.scale, x.quantization!.zeroPoint, output.scale, output.zeroPoint];
  const name = random.chance(0.5)
    ? builder.node('QLinearSigmoid', inputs, {}, 'com.microsoft')
    : builder.node('QLinearLeakyRelu', inputs, { alpha: { float: Math.fround(random.unit()) } }, 'com.microsoft');
  builder.keep({ name, shape: x.shape, type: output.type, quantization: output });
  return true;
};
