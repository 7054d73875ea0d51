import { byteRange, elementCount, ofChannel } from '../../../../src/graph/graph.ts';
import {
  bytesOf,
  bytesWith,
  flag,
  isImage,
  isMatrix,
  ofBytes,
  ofReal,
  operandsOf,
  type Builder,
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
export function weights(
  builder: Builder,
  shape: readonly number[],
  axis: number,
  perChannel: boolean,
  extreme = false,
): Weights {
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
    Array.from({ length: elementCount(shape) }, () => (extreme ? max : random.integer(min, max))),
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

/** In the units of the products. */
const bytesBias = (builder: Builder, step: number, { scales }: Weights, channels: number): string =>
  builder.constant('b', biasData(builder, step, scales, channels), [channels]);

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

export function convolution(builder: Builder, [n, c, h, w]: readonly number[]) {
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
  return { shape: [outputs, c! / groups, ...kernel], attributes, y: [n!, outputs, size(0, h!), size(1, w!)] };
}

export const conv = ofReal((builder, x) => {
  const { shape, attributes, y } = convolution(builder, x.shape);
  const w = weights(builder, shape, 0, builder.random.chance(0.4));
  const inputs = [x.name, realWeights(builder, w), ...realBias(builder, x, w, shape[0]!)];
  return { name: builder.node('Conv', inputs, attributes), shape: y };
}, isImage);

export const qlinearConv = ofBytes((builder, x) => {
  const { shape, attributes, y } = convolution(builder, x.shape);
  const w = weights(builder, shape, 0, builder.random.chance(0.4));
  const { step } = x.quantization;
  const output = sameType(builder, x.quantization);
  const bias = builder.random.chance(0.5) ? [bytesBias(builder, step, w, shape[0]!)] : [];
  const inputs = [...operandsOf(x), w.bytes, w.scale, w.zeroPoint, output.scale, output.zeroPoint, ...bias];
  return bytesWith(builder.node('QLinearConv', inputs, attributes), y, output);
}, isImage);

/** Most operators on bytes have one type for operands and output. */
export function sameType(builder: Builder, { type }: Quantization): Quantization {
  for (let i = 0; i < 5; i++) {
    const other = builder.quantization();
    if (other.type === type) return other;
  }
  return builder.values.find(({ quantization }) => quantization?.type === type)!.quantization!;
}

/** Gemm, or MatMul with an Add of a bias behind it, or without. */
export const gemm = ofReal((builder, x) => {
  const { random } = builder;
  const [rows, k] = x.shape as [number, number];
  const n = random.integer(1, 7);
  const isGemm = random.chance(0.6);
  const transB = isGemm ? flag(random) : 0;
  const w = weights(builder, transB ? [n, k] : [k, n], transB ? 0 : 1, random.chance(0.3));
  const real = realWeights(builder, w);
  const bias = realBias(builder, x, w, n);
  const shape = [rows, n];
  if (isGemm) {
    const attributes = transB || random.chance(0.3) ? { transB } : {};
    return { shape, name: builder.node('Gemm', [x.name, real, ...bias], attributes) };
  }
  const product = { shape, name: builder.node('MatMul', [x.name, real]) };
  if (bias.length === 0) return product;
  builder.keep({ ...product, type: 'float32' });
  const operands = random.chance(0.5) ? [product.name, ...bias] : [...bias, product.name];
  return { shape, name: builder.node('Add', operands) };
}, isMatrix);

export const qgemm = ofBytes((builder, x) => {
  const { random } = builder;
  const [rows, k] = x.shape as [number, number];
  const n = random.integer(1, 7);
  const output = sameType(builder, x.quantization);
  const result = (name: string) => bytesWith(name, [rows, n], output);
  if (random.chance(0.5)) {
    const w = weights(builder, [k, n], 1, false);
    const inputs = [...operandsOf(x), w.bytes, w.scale, w.zeroPoint, output.scale, output.zeroPoint];
    return result(builder.node('QLinearMatMul', inputs));
  }
  const transB = flag(random);
  const w = weights(builder, transB ? [n, k] : [k, n], transB ? 0 : 1, random.chance(0.3));
  const bias = random.chance(0.5) ? bytesBias(builder, x.quantization.step, w, n) : '';
  const inputs = [...operandsOf(x), w.bytes, w.scale, w.zeroPoint, bias, output.scale, output.zeroPoint];
  return result(builder.node('QGemm', inputs, { transB }, 'com.microsoft'));
}, isMatrix);
