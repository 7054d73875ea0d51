import { createHash } from 'node:crypto';
import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeFloatModel } from './float_model.ts';
import { DEFAULT_LABELS, defaultModel, defaultNetwork, floatModel } from './index.ts';
import { activationQuantization, quantizeWeights, writeInt8Model } from './int8_model.ts';
import { readLayersModel } from './nsfwjs/keras.ts';
import { foldNetwork, INPUT, type Network, type WeightedLayer } from './network.ts';
import { InvalidModelError, UnsupportedModelError } from '../src/errors.ts';
import { readModel } from '../src/formats/index.ts';
import type { Graph } from '../src/graph/graph.ts';

let bytes: Uint8Array;
let network: Network;
let graph: Graph;

beforeAll(async () => {
  bytes = await defaultModel();
  network = await defaultNetwork();
  graph = readModel(bytes);
});

function layerOf(name: string): WeightedLayer {
  const layer = network.layers.find((layer) => layer.name === name);
  if (!layer || !('weight' in layer)) throw new Error(`no weighted layer ${name}`);
  return layer;
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

describe('the default model', () => {
  test('is the same bytes every time', async () => {
    expect(sha256(await defaultModel())).toBe(sha256(bytes));
    expect(sha256(await floatModel())).toBe(sha256(await floatModel()));
  });

  test('is a MobileNetV2 of QOperator form', () => {
    const counts: Record<string, number> = {};
    for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
    expect(counts).toEqual({
      QuantizeLinear: 1,
      Conv: 52,
      Add: 10,
      GlobalAveragePool: 1,
      Flatten: 1,
      Gemm: 3,
      DequantizeLinear: 1,
    });
    expect(graph.inputs).toMatchObject([{ name: 'input', type: 'float32', shape: [-1, 3, 224, 224] }]);
    expect(graph.outputs).toEqual(['logits']);
  });

  test('names tensors after the layers of Keras', () => {
    const outputs = graph.nodes.map(({ outputs }) => outputs[0]);
    expect(outputs.slice(0, 4)).toEqual([
      'input_quantized',
      'Conv1',
      'expanded_conv_depthwise',
      'expanded_conv_project',
    ]);
    expect(outputs).toContain('block_16_project');
  });

  test('pads layers of stride 2 below and to the right only', () => {
    const strided = graph.nodes.filter(({ attributes }) => (attributes['strides'] as number[] | undefined)?.[0] === 2);
    expect(strided.map(({ name }) => name)).toEqual([
      'Conv1',
      'block_1_depthwise',
      'block_3_depthwise',
      'block_6_depthwise',
      'block_13_depthwise',
    ]);
    for (const { attributes } of strided) expect(attributes['pads']).toEqual([0, 0, 1, 1]);
  });

  test('clamps a ReLU6 by the range of its output', () => {
    for (const layer of network.layers) {
      if (!('weight' in layer) || layer.activation === 'linear') continue;
      const { scale, zeroPoint } = graph.tensors.get(layer.name)!.quantization!;
      expect([...zeroPoint], layer.name).toEqual([0]);
      if (layer.activation === 'relu6') expect(scale[0], layer.name).toBeLessThanOrEqual(Math.fround(6 / 255));
    }
  });

  test('sees the bytes of a picture', () => {
    expect(graph.tensors.get('input_quantized')!.quantization).toEqual({
      scale: Float32Array.of(1 / 255),
      zeroPoint: Int32Array.of(0),
    });
  });

  test('has accumulators that float32 holds exactly', () => {
    for (const layer of network.layers) {
      if (!('weight' in layer)) continue;
      const weight = graph.constants.get(`${layer.name}.weight`)!.data as Int8Array;
      const bias = graph.constants.get(`${layer.name}.bias`)!.data as Int32Array;
      const perChannel = weight.length / bias.length;
      bias.forEach((b, o) => {
        const channel = weight.subarray(o * perChannel, (o + 1) * perChannel);
        const largest = channel.reduce((sum, w) => sum + 255 * Math.abs(w), Math.abs(b));
        expect(largest, `${layer.name}, channel ${o}`).toBeLessThan(2 ** 24);
      });
    }
  });
});

describe('quantization', () => {
  test.each(['Conv1', 'expanded_conv_depthwise', 'block_7_project', 'dense_3'])('keeps the weights of %s', (name) => {
    const layer = layerOf(name);
    const inputScale = 0.02;
    const { weight, scale, bias } = quantizeWeights(layer, inputScale);
    const perChannel = weight.length / bias.length;
    weight.forEach((q, i) => {
      const step = scale[Math.floor(i / perChannel)]!;
      expect(Math.abs(layer.weight[i]! - q * step)).toBeLessThanOrEqual(step * 0.50001);
    });
    bias.forEach((b, o) => {
      const step = inputScale * scale[o]!;
      expect(Math.abs(layer.bias[o]! - b * step)).toBeLessThanOrEqual(step * 0.50001);
    });
    for (let o = 0; o < bias.length; o++) {
      const largest = Math.max(...weight.subarray(o * perChannel, (o + 1) * perChannel).map(Math.abs));
      expect([0, 127]).toContain(largest);
    }
  });

  test.each([
    [[0, 6], 6 / 255, 0],
    [[-1, 3], 4 / 255, 64],
    [[-3, -1], 3 / 255, 255],
    [[2, 5.1], 5.1 / 255, 0],
  ] as const)('of the range %j holds zero', (range, scale, zeroPoint) => {
    expect(activationQuantization(range)).toEqual({ scale: Math.fround(scale), zeroPoint });
  });

  test('of an empty range is refused', () => {
    expect(() => activationQuantization([0, 0])).toThrow(InvalidModelError);
    expect(() => activationQuantization([0, NaN])).toThrow(InvalidModelError);
  });

  test('without the range of a tensor is refused by its name', () => {
    expect(() => writeInt8Model(network, {}, '')).toThrow("no range for 'Conv1'");
  });
});

/** A weight of the installed package, read without the code under test. */
async function rawWeight(name: string): Promise<number[]> {
  const { MobileNetV2Model } = await import('nsfwjs/models/mobilenet_v2');
  const { weightsManifest } = (await MobileNetV2Model.modelJson()).default;
  const shard = Buffer.from((await MobileNetV2Model.weightBundles[0]!()).default, 'base64');
  let offset = 0;
  for (const { name: found, shape, quantization } of weightsManifest[0]!.weights) {
    const length = shape.reduce((a, b) => a * b, 1);
    const { min, scale } = quantization as { min: number; scale: number };
    if (found === name) return [...shard.subarray(offset, offset + length)].map((q) => Math.fround(q * scale + min));
    offset += length;
  }
  throw new Error(`no weight ${name}`);
}

describe('folding', () => {
  const EPSILON = 1e-3;

  async function normalise(layer: string, channel: number, sum: number): Promise<number> {
    const parts = ['gamma', 'beta', 'moving_mean', 'moving_variance'];
    const values = await Promise.all(parts.map(async (part) => (await rawWeight(`${layer}/${part}`))[channel]!));
    const [gamma, beta, mean, variance] = values as [number, number, number, number];
    return ((sum - mean) / Math.sqrt(variance + EPSILON)) * gamma + beta;
  }

  const input = (i: number): number => Math.sin(i + 1);

  test.each([0, 7, 23])('gives channel %i of a pointwise convolution its batch normalisation', async (channel) => {
    const kernel = await rawWeight('block_2_project/kernel'); // [1, 1, 144, 24]
    let sum = 0;
    for (let i = 0; i < 144; i++) sum += input(i) * kernel[24 * i + channel]!;
    const { weight, bias } = layerOf('block_2_project');
    let folded = bias[channel]!;
    for (let i = 0; i < 144; i++) folded += input(i) * weight[144 * channel + i]!;
    // algebra in double precision, in another order
    expect(folded).toBeCloseTo(await normalise('block_2_project_BN', channel, sum), 9);
  });

  test.each([0, 5, 31])('gives channel %i of a depthwise convolution its batch normalisation', async (channel) => {
    const kernel = await rawWeight('expanded_conv_depthwise/depthwise_kernel'); // [3, 3, 32, 1]
    let sum = 0;
    for (let k = 0; k < 9; k++) sum += input(k) * kernel[32 * k + channel]!;
    const { weight, bias } = layerOf('expanded_conv_depthwise');
    let folded = bias[channel]!;
    for (let k = 0; k < 9; k++) folded += input(k) * weight[9 * channel + k]!;
    expect(folded).toBeCloseTo(await normalise('expanded_conv_depthwise_BN', channel, sum), 9);
  });

  test('keeps every weight finite', () => {
    for (const layer of network.layers)
      if ('weight' in layer) expect([...layer.weight, ...layer.bias].every(Number.isFinite), layer.name).toBe(true);
  });

  const layersOf = (...classNames: string[]) => ({
    layers: classNames.map((className, i) => ({
      className,
      name: `layer_${i}`,
      config: { padding: [[0, 1], [0, 1]], max_value: 6 }, // prettier-ignore
      inputs: i > 0 ? [`layer_${i - 1}`] : [],
    })),
    weights: new Map(),
  });

  test.each([
    [['InputLayer', 'LSTM'], "'layer_1' is a LSTM"],
    [['InputLayer', 'ReLU'], "'layer_1': a ReLU after a layer of kind input"],
    [['InputLayer', 'ZeroPadding2D', 'Flatten'], "'layer_2': a Flatten after padding"],
    [['InputLayer', 'Flatten'], "the last layer is 'layer_1'"],
  ])('refuses %j by name', (classNames, message) => {
    expect(() => foldNetwork(layersOf(...classNames), 'n', 224)).toThrow(UnsupportedModelError);
    expect(() => foldNetwork(layersOf(...classNames), 'n', 224)).toThrow(message);
  });
});

describe('reading the weights of TensorFlow.js', () => {
  const json = (quantization?: object) => ({
    modelTopology: { model_config: { config: { layers: [] } } },
    weightsManifest: [{ weights: [{ name: 'w', shape: [2, 2], dtype: 'float32', quantization }] }],
  });
  const uint8 = json({ dtype: 'uint8', scale: 0.1, min: -1 });

  test('expands them to float32', () => {
    const { weights } = readLayersModel(uint8, Uint8Array.of(0, 1, 10, 255));
    expect(weights.get('w')).toEqual({ shape: [2, 2], data: Float32Array.of(-1, 0.1 - 1, 0, 255 * 0.1 - 1) });
  });

  test.each([3, 5])('refuses %i bytes for four weights', (length) => {
    expect(() => readLayersModel(uint8, new Uint8Array(length))).toThrow(InvalidModelError);
  });

  test('refuses weights stored otherwise', () => {
    expect(() => readLayersModel(json(), new Uint8Array(4))).toThrow(UnsupportedModelError);
  });
});

describe('in onnxruntime-web', () => {
  const PIXELS = 3 * 224 * 224;
  /** Soft waves of colour. */
  const picture = (seed: number): Float32Array =>
    Float32Array.from({ length: PIXELS }, (_, i) => 0.5 + 0.5 * Math.sin(seed * (i % 224) * 0.05 + i / 9000));

  async function run(model: Uint8Array, data: Float32Array): Promise<number[]> {
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(model);
    const dims = [data.length / PIXELS, 3, 224, 224];
    const { logits } = await session.run({ [INPUT]: new ort.Tensor('float32', data, dims) });
    expect(logits!.dims).toEqual([dims[0], DEFAULT_LABELS.length]);
    return [...(logits!.data as Float32Array)];
  }

  test('a batch of two gives what its pictures give', async () => {
    const both = new Float32Array(2 * PIXELS);
    both.set(picture(1));
    both.set(picture(2), PIXELS);
    const single = [...(await run(bytes, picture(1))), ...(await run(bytes, picture(2)))];
    expect(await run(bytes, both)).toEqual(single);
  });

  test('int8 and float32 agree on the class', async () => {
    const top = (logits: number[]): string | undefined => DEFAULT_LABELS[logits.indexOf(Math.max(...logits))];
    const float = await run(writeFloatModel(network), picture(1));
    expect(top(await run(bytes, picture(1)))).toBe(top(float));
  });
});
