import { writeOnnx, type OnnxNode, type OnnxTensor } from '../../models/onnx_writer.ts';

const node = (
  op: string,
  inputs: string,
  output: string,
  attributes: OnnxNode['attributes'] = {},
  domain: OnnxNode['domain'] = '',
): OnnxNode => ({ name: `n_${output}`, op, domain, inputs: inputs.split(' '), outputs: [output], attributes });

const CONSTANTS: readonly OnnxTensor[] = [
  { name: 's', dims: [], data: Float32Array.of(0.05) },
  { name: 'z', dims: [], data: Uint8Array.of(128) },
  { name: 'ws', dims: [4], data: Float32Array.of(0.01, 0.02, 0.03, 0.04) },
  { name: 'wz', dims: [4], data: new Int8Array(4) },
  { name: 'w', dims: [4, 3, 3, 3], data: Int8Array.from({ length: 108 }, (_, i) => ((i * 37) % 255) - 127) },
  { name: 'b', dims: [4], data: Int32Array.of(-100, 0, 100, 1000) },
];
const CONV = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 1], group: 1 };

/** A few operators in QOperator form: quantize, convolve, add, pool, flatten, dequantize. */
export function smallQOperatorModel({
  dims = ['N', 3, 8, 8],
  pads = CONV.pads,
}: {
  readonly dims?: readonly (number | string)[];
  readonly pads?: readonly number[];
} = {}): Uint8Array {
  return writeOnnx({
    name: 'qoperator',
    description: '',
    inputs: [{ name: 'x', type: 'float32', dims }],
    outputs: [{ name: 'y', type: 'float32' }],
    nodes: [
      node('QuantizeLinear', 'x s z', 'q'),
      node('QLinearConv', 'q s z w ws wz s z b', 'c', { ...CONV, pads }),
      node('QLinearAdd', 'c s z c s z s z', 'a', {}, 'com.microsoft'),
      node('QLinearGlobalAveragePool', 'a s z s z', 'p', { channels_last: 0 }, 'com.microsoft'),
      node('Flatten', 'p', 'f', { axis: 1 }),
      node('DequantizeLinear', 'f s z', 'y'),
    ],
    constants: CONSTANTS,
  });
}

/** The same with QuantizeLinear and DequantizeLinear around float operators. */
export function smallQdqModel(): Uint8Array {
  const qdq = (from: string, to: string): OnnxNode[] => [
    node('QuantizeLinear', `${from} s z`, `${to}_q`),
    node('DequantizeLinear', `${to}_q s z`, to),
  ];
  return writeOnnx({
    name: 'qdq',
    description: '',
    inputs: [{ name: 'x', type: 'float32', dims: [1, 3, 8, 8] }],
    outputs: [{ name: 'y', type: 'float32' }],
    nodes: [
      ...qdq('x', 'x_d'),
      node('DequantizeLinear', 'w ws wz', 'w_d', { axis: 0 }),
      node('DequantizeLinear', 'b bs bz', 'b_d', { axis: 0 }),
      node('Conv', 'x_d w_d b_d', 'c', CONV),
      ...qdq('c', 'c_d'),
      node('Add', 'c_d c_d', 'a'),
      ...qdq('a', 'a_d'),
      node('GlobalAveragePool', 'a_d', 'p'),
      ...qdq('p', 'y'),
    ],
    constants: [
      ...CONSTANTS,
      { name: 'bs', dims: [4], data: Float32Array.of(0.0005, 0.001, 0.0015, 0.002) },
      { name: 'bz', dims: [4], data: new Int32Array(4) },
    ],
  });
}

/** Every operator that moves bytes, and some functions of one and two of them. */
export function smallMovesModel(): Uint8Array {
  const int64 = (name: string, ...values: number[]): OnnxTensor => ({
    name,
    dims: [values.length],
    data: BigInt64Array.from(values, BigInt),
  });
  return writeOnnx({
    name: 'moves',
    description: '',
    inputs: [{ name: 'x', type: 'float32', dims: [1, 4, 6, 6] }],
    outputs: [{ name: 'y', type: 'float32' }],
    nodes: [
      node('QuantizeLinear', 'x s z', 'q'),
      node('Transpose', 'q', 't', { perm: [0, 1, 3, 2] }),
      node('Slice', 't one six three', 'sl'),
      node('Gather', 'sl picks', 'g', { axis: 1 }),
      node('Pad', 'g pads', 'p', { mode: 'edge' }),
      node('MaxPool', 'p', 'm', { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 0, 0] }),
      node('Resize', 'm  scales', 'r', { mode: 'nearest', coordinate_transformation_mode: 'asymmetric' }),
      node('DequantizeLinear', 'r s z', 'd'),
      node('HardSigmoid', 'd', 'h'),
      node('Mul', 'h d', 'hm'),
      node('QuantizeLinear', 'hm s z', 'hq'),
      node('QLinearConcat', 's z hq s z r s z', 'c', { axis: 1 }, 'com.microsoft'),
      node('QLinearAveragePool', 'c s z s z', 'av', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, 'com.microsoft'),
      node('Shape', 'av', 'shape'),
      node('Gather', 'shape zero', 'batch', { axis: 0 }),
      node('Concat', 'batch open', 'target', { axis: 0 }),
      node('Reshape', 'av target', 'flat'),
      node('DequantizeLinear', 'flat s z', 'y'),
    ],
    constants: [
      ...CONSTANTS.slice(0, 2),
      int64('one', 1),
      int64('six', 6),
      int64('three', 3),
      int64('zero', 0),
      int64('open', -1),
      int64('picks', 3, 0, 0, 2),
      int64('pads', 0, 0, 1, 1, 0, 0, 1, 2),
      { name: 'scales', dims: [4], data: Float32Array.of(1, 1, 2, 2) },
    ],
  });
}
