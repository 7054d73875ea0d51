import { byteRange, elementCount, ofChannel } from '../../../../src/graph/graph.ts';
import {
  bytesOf,
  flag,
  isImage,
  isMatrix,
  type Builder,
  type Piece,
  type Quantization,
  type Value,
} from '../builder.ts';

interface Weights {
  readonly bytes: string;
  readonly scale: string;
  readonly zeroPoint: string;
  readonly scales: Float32Array;
  readonly axis: number;
}

/** Such that results are about as large as operands. */
function weights(builder: Builder, shape: readonly number[], axis: number, perChannel: boolean): Weights {
  const { random } = builder;
  const type = random.chance(0.7) ? 'int8' : 'uint8';
  const [min, max] = byteRange(type);
  const channels = shape[axis]!;
  const scales = Float32Array.from({ length: perChannel ? channels : 1 }, () =>
    random.chance(0.3) ? 2 ** -random.integer(6, 9) : random.scale(0.002, 0.02),
  );
  const zeros = Array.from(scales, () =>
    type === 'int8' && random.chance(0.7) ? 0 : min + 128 + random.integer(-3, 3),
  );
  const zero = perChannel ? zeros.map(() => zeros[0]!) : zeros;
  const dims = perChannel ? [channels] : [];
  const data = bytesOf(
    type,
    Array.from({ length: elementCount(shape) }, () => random.integer(min, max)),
  );
  return {
    bytes: builder.constant('w', data, shape),
    scale: builder.constant('ws', scales, dims),
    zeroPoint: builder.constant('wz', bytesOf(type, zero), dims),
    scales,
    axis,
  };
}

function realWeights(builder: Builder, { bytes, scale, zeroPoint, scales, axis }: Weights): string {
  return builder.node('DequantizeLinear', [bytes, scale, zeroPoint], scales.length > 1 ? { axis } : {});
}

const biasData = (builder: Builder, step: number, scales: Float32Array, channels: number): Int32Array =>
  Int32Array.from({ length: channels }, (_, i) =>
    Math.round(((builder.random.unit() - 0.5) * 3) / (step * ofChannel(scales, i))),
  );

/** None, float32, or int32 in the units of the products, which the quantizer rounds or somebody else has chosen. */
function realBias(builder: Builder, x: Value, { scales }: Weights, channels: number): string[] {
  const { random } = builder;
  const kind = random.pick(['none', 'float', 'int32', 'int32', 'other units'] as const);
  if (kind === 'none') return [];
  if (kind === 'float')
    return [
      builder.constant(
        'b',
        Float32Array.from({ length: channels }, () => (random.unit() - 0.5) * 3),
        [channels],
      ),
    ];
  const step = stepOf(builder, x);
  const units = scales.map((s) => Math.fround(s * step) * (kind === 'int32' ? 1 : random.pick([1.005, 1.5])));
  const dims = units.length > 1 ? [channels] : [];
  const data = biasData(builder, step, scales, channels);
  return [
    builder.node(
      'DequantizeLinear',
      [
        builder.constant('b', data, [channels]),
        builder.constant('bs', units, dims),
        builder.constant('bz', new Int32Array(units.length), dims),
      ],
      units.length > 1 ? { axis: 0 } : {},
    ),
  ];
}

/** The scale of the bytes behind a float32 tensor, where there are any. */
function stepOf(builder: Builder, x: Value): number {
  const node = builder.nodes.find(({ outputs }) => outputs.includes(x.name));
  const bytes = builder.values.find(({ name }) => name === node?.inputs[0]);
  return node?.op === 'DequantizeLinear' ? (bytes?.quantization?.step ?? 0.05) : 0.05;
}

function convolution(builder: Builder, [, c, h, w]: readonly number[]) {
  const { random } = builder;
  const channels = random.integer(1, 6);
  const groups = random.chance(0.2) ? c! : 1;
  const kernel = [random.integer(1, Math.min(3, h!)), random.integer(1, Math.min(3, w!))] as const;
  const pad = random.chance(0.5);
  const pads = kernel.map((k) => (pad ? k >> 1 : 0));
  const outputs = groups === 1 ? channels : c! * random.integer(1, 2);
  const strides = [random.integer(1, 2), random.integer(1, 2)];
  const attributes = { kernel_shape: [...kernel], pads: [...pads, ...pads], strides, dilations: [1, 1], group: groups };
  const size = (axis: 0 | 1, length: number): number =>
    Math.floor((length + 2 * pads[axis]! - kernel[axis]) / strides[axis]!) + 1;
  return { shape: [outputs, c! / groups, ...kernel], attributes, y: [1, outputs, size(0, h!), size(1, w!)] };
}

export const conv: Piece = (builder) => {
  const x = builder.real(isImage);
  if (!x) return false;
  const { shape, attributes, y } = convolution(builder, x.shape);
  const w = weights(builder, shape, 0, builder.random.chance(0.4));
  const inputs = [x.name, realWeights(builder, w), ...realBias(builder, x, w, shape[0]!)];
  builder.keep({ name: builder.node('Conv', inputs, attributes), shape: y, type: 'float32' });
  return true;
};

export const qlinearConv: Piece = (builder) => {
  const x = builder.bytes(isImage);
  if (!x) return false;
  const { shape, attributes, y } = convolution(builder, x.shape);
  const w = weights(builder, shape, 0, builder.random.chance(0.4));
  const q = x.quantization!;
  const output = sameType(builder, q);
  const bias = builder.random.chance(0.5)
    ? [builder.constant('b', biasData(builder, q.step, w.scales, shape[0]!), [shape[0]!])]
    : [];
  const inputs = [x.name, q.scale, q.zeroPoint, w.bytes, w.scale, w.zeroPoint, output.scale, output.zeroPoint, ...bias];
  builder.keep({
    name: builder.node('QLinearConv', inputs, attributes),
    shape: y,
    type: output.type,
    quantization: output,
  });
  return true;
};

/** Most operators on bytes have one type for operands and output. */
export function sameType(builder: Builder, { type }: Quantization): Quantization {
  for (let i = 0; i < 5; i++) {
    const other = builder.quantization();
    if (other.type === type) return other;
  }
  return builder.values.find(({ quantization }) => quantization?.type === type)!.quantization!;
}

/** Gemm, or MatMul with an Add of a bias behind it, or without. */
export const gemm: Piece = (builder) => {
  const { random } = builder;
  const x = builder.real(isMatrix);
  if (!x) return false;
  const [rows, k] = x.shape as [number, number];
  const n = random.integer(1, 7);
  const isGemm = random.chance(0.6);
  const transB = isGemm ? flag(random) : 0;
  const shape = transB ? [n, k] : [k, n];
  const w = weights(builder, shape, transB ? 0 : 1, random.chance(0.3));
  const real = realWeights(builder, w);
  const bias = realBias(builder, x, w, n);
  const y = { shape: [rows, n], type: 'float32' } as const;
  if (isGemm) {
    const attributes = transB || random.chance(0.3) ? { transB } : {};
    builder.keep({ ...y, name: builder.node('Gemm', [x.name, real, ...bias], attributes) });
    return true;
  }
  const product = builder.keep({ ...y, name: builder.node('MatMul', [x.name, real]) });
  if (bias.length > 0)
    builder.keep({
      ...y,
      name: builder.node('Add', random.chance(0.5) ? [product.name, ...bias] : [...bias, product.name]),
    });
  return true;
};

export const qgemm: Piece = (builder) => {
  const { random } = builder;
  const x = builder.bytes(isMatrix);
  if (!x) return false;
  const [rows, k] = x.shape as [number, number];
  const n = random.integer(1, 7);
  const q = x.quantization!;
  const output = sameType(builder, q);
  const result = { shape: [rows, n], type: output.type, quantization: output };
  if (random.chance(0.5)) {
    const w = weights(builder, [k, n], 1, false);
    const inputs = [x.name, q.scale, q.zeroPoint, w.bytes, w.scale, w.zeroPoint, output.scale, output.zeroPoint];
    builder.keep({ ...result, name: builder.node('QLinearMatMul', inputs) });
    return true;
  }
  const transB = flag(random);
  const w = weights(builder, transB ? [n, k] : [k, n], transB ? 0 : 1, random.chance(0.3));
  const bias = random.chance(0.5) ? builder.constant('b', biasData(builder, q.step, w.scales, n), [n]) : '';
  const inputs = [x.name, q.scale, q.zeroPoint, w.bytes, w.scale, w.zeroPoint, bias, output.scale, output.zeroPoint];
  builder.keep({ ...result, name: builder.node('QGemm', inputs, { transB }, 'com.microsoft') });
  return true;
};
