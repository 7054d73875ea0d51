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
    // of one scale no axis is said: tfjs-tflite's XNNPACK refuses one
    const along = type === 'int8' ? { axis } : {};
    return { name, type, shape, ...along, scale: scales, zeroPoint: zeros, data: bytes(random, type, size(shape)) };
  };
  /** Its scales are the products of the input's and the weights', which TensorFlow Lite checks. */
  const bias = (name: string, input: TfliteTensor, { scale = [] }: TfliteTensor, count: number): TfliteTensor => ({
    name,
    type: 'int32',
    shape: [count],
    scale: scale.map((one) => Math.fround(one * input.scale![0]!)),
    zeroPoint: [0],
    data: Int32Array.from({ length: count }, () => random.integer(-2000, 2000)),
  });
  const ints = (name: string, values: readonly number[]): TfliteTensor => ({
    name, type: 'int32', shape: [values.length], data: Int32Array.from(values),
  }); // prettier-ignore
  const strides = { strideW: 1, strideH: 1 };
  const low = type === 'uint8' ? 0 : -128;
  const [x, conv] = [scaled('x', [1, 8, 8, 3], 0.02), scaled('conv', [1, 4, 4, channels], 6 / 255, low)];
  const [w0, w1, w2] = [
    weights('w0', [channels, 3, 3, 3], 0),
    weights('w1', [1, 3, 3, channels], 3),
    weights('w2', [10, channels], 0),
  ];
  const mean = scaled('mean', [1, channels], 0.05);
  const tensors = [
    ...[x, w0, bias('b0', x, w0, channels), conv, w1, bias('b1', conv, w1, channels)],
    scaled('depthwise', [1, 4, 4, channels], 0.05),
    // an average keeps its input's quantization
    scaled('sum', [1, 4, 4, channels], 0.06, zero),
    scaled('pool', [1, 2, 2, channels], 0.06, zero),
    ints('axes', [1, 2]),
    ...[mean, w2, bias('b2', mean, w2, 10)],
    scaled('logits', [1, 10], 0.1),
    scaled('softmax', [1, 10], 1 / 256, low),
  ];
  return {
    tensors,
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
    signature: { inputs: { image: 'x' }, outputs: { probabilities: 'softmax' } },
  }; // prettier-ignore
}

export const smallTflite = (type: ByteType, seed?: number, channels?: number): Uint8Array =>
  writeTflite(smallTfliteModel(type, seed, channels));
