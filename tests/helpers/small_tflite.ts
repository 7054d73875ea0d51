import { Random } from '../../models/random.ts';
import { writeTflite, type TfliteModel, type TfliteTensor } from './tflite_file.ts';

type ByteType = 'uint8' | 'int8';

const bytes = (random: Random, type: ByteType, count: number): Uint8Array | Int8Array =>
  type === 'uint8'
    ? Uint8Array.from({ length: count }, () => random.integer(0, 255))
    : Int8Array.from({ length: count }, () => random.integer(-127, 127));

const size = (shape: readonly number[]): number => shape.reduce((product, d) => product * d, 1);

/**
 * A small network of a type: convolution with SAME padding and ReLU6, depthwise convolution, residual add, pools, mean, fully
 * connected layer, softmax. uint8 weights have zero points, int8 ones a scale for each channel.
 */
export function smallTfliteModel(type: ByteType, seed = 1, channels = 12): TfliteModel {
  const random = new Random(seed);
  const zero = type === 'uint8' ? 128 : 0;
  const scaled = (name: string, shape: readonly number[], scale: number, zeroPoint = random.integer(zero - 5, zero + 5)): TfliteTensor => ({
    name, type, shape, scale: [scale], zeroPoint: [zeroPoint],
  }); // prettier-ignore
  const weights = (name: string, shape: readonly number[], axis: number): TfliteTensor => {
    const scales = Array.from({ length: type === 'int8' ? shape[axis]! : 1 }, () => random.scale(0.002, 0.01));
    const zeros = type === 'uint8' ? [random.integer(100, 150)] : scales.map(() => 0);
    return { name, type, shape, axis, scale: scales, zeroPoint: zeros, data: bytes(random, type, size(shape)) };
  };
  const bias = (name: string, count: number): TfliteTensor => ({
    name, type: 'int32', shape: [count], scale: [1], zeroPoint: [0],
    data: Int32Array.from({ length: count }, () => random.integer(-2000, 2000)),
  }); // prettier-ignore
  const ints = (name: string, values: readonly number[]): TfliteTensor => ({
    name, type: 'int32', shape: [values.length], data: Int32Array.from(values),
  }); // prettier-ignore
  const strides = { strideW: 1, strideH: 1 };
  const low = type === 'uint8' ? 0 : -128;
  return {
    tensors: [
      scaled('x', [1, 8, 8, 3], 0.02),
      weights('w0', [channels, 3, 3, 3], 0),
      bias('b0', channels),
      scaled('conv', [1, 4, 4, channels], 6 / 255, low),
      weights('w1', [1, 3, 3, channels], 3),
      bias('b1', channels),
      scaled('depthwise', [1, 4, 4, channels], 0.05),
      scaled('sum', [1, 4, 4, channels], 0.06),
      scaled('pool', [1, 2, 2, channels], 0.06),
      ints('axes', [1, 2]),
      scaled('mean', [1, channels], 0.05),
      weights('w2', [10, channels], 0),
      bias('b2', 10),
      scaled('logits', [1, 10], 0.1),
      scaled('softmax', [1, 10], 1 / 256, low),
    ].map((tensor) =>
      // an average keeps its input's quantization
      tensor.name === 'pool' ? { ...tensor, zeroPoint: [zero] } : tensor.name === 'sum' ? { ...tensor, zeroPoint: [zero] } : tensor,
    ),
    operators: [
      { op: 'CONV_2D', inputs: ['x', 'w0', 'b0'], outputs: ['conv'], options: { strideW: 2, strideH: 2, fusedActivationFunction: 3 } },
      { op: 'DEPTHWISE_CONV_2D', inputs: ['conv', 'w1', 'b1'], outputs: ['depthwise'], options: { ...strides, depthMultiplier: 1 } },
      { op: 'ADD', inputs: ['conv', 'depthwise'], outputs: ['sum'], options: {} },
      { op: 'AVERAGE_POOL_2D', inputs: ['sum'], outputs: ['pool'], options: { padding: 1, strideW: 2, strideH: 2, filterWidth: 2, filterHeight: 2 } },
      { op: 'MEAN', inputs: ['pool', 'axes'], outputs: ['mean'], options: { keepDims: false } },
      { op: 'FULLY_CONNECTED', inputs: ['mean', 'w2', 'b2'], outputs: ['logits'], options: {} },
      { op: 'SOFTMAX', inputs: ['logits'], outputs: ['softmax'], options: { beta: 1 } },
    ],
    inputs: ['x'],
    outputs: ['softmax'],
  }; // prettier-ignore
}

export const smallTflite = (type: ByteType, seed?: number, channels?: number): Uint8Array =>
  writeTflite(smallTfliteModel(type, seed, channels));
