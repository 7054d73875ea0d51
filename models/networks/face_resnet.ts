import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { InvalidModelError } from '../../src/errors.ts';
import { INPUT, type Activation, type Layer, type Network, type WeightedLayer } from '../network.ts';

const NO_PADS = [0, 0, 0, 0];
/** The network's input, in pixels of a side. */
const SIZE = 150;
/** What is taken from each of red, green and blue, which are 0 .. 255. */
const MEAN = [122.782, 117.001, 104.298];

/** Residual blocks of each width: dlib's ResNet of 29 convolutions. */
const STAGES = [
  [32, ['1', '2', '3']],
  [64, ['down', '1', '2', '3']],
  [128, ['down', '1', '2']],
  [256, ['down', '1', '2', 'down_out']],
] as const;

/** Tensors in TensorFlow's layouts: [kh, kw, in, out], [in, out]. */
type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float64Array }>;

/**
 * The ResNet of the npm package `@vladmandic/face-api` (MIT): dlib's face recognition network, trained weights that
 * the package stores in 8 bits, 128 numbers that describe a face of 150 x 150 pixels.
 *
 * @throws InvalidModelError where the installed package holds another model
 */
export async function faceResnet(): Promise<Network> {
  const weights = await readWeights();
  const layers: Layer[] = [];
  const push = (layer: Layer): string => {
    layers.push(layer);
    return layer.name;
  };
  const window = { stride: 2, pads: NO_PADS } as const;

  let x = push(withoutMean(convolution(weights, 'conv32_down', INPUT, 2, 'relu')));
  x = push({ kind: 'max_pool', name: 'pool', inputs: [x], kernel: [3, 3], ...window });
  // a convolution without padding loses a pixel where the size is even; the pooling beside it does not
  let size = Math.floor((Math.floor((SIZE - 7) / 2) + 1 - 3) / 2) + 1;
  let channels = 32;
  for (const [width, blocks] of STAGES)
    for (const block of blocks) {
      const name = `conv${width}_${block}`;
      const down = block.startsWith('down');
      let shortcut = x;
      let y = push(convolution(weights, `${name}/conv1`, x, down ? 2 : 1, 'relu'));
      y = push(convolution(weights, `${name}/conv2`, y, 1, 'linear'));
      if (down) {
        shortcut = push({ kind: 'average_pool', name: `${name}/pool`, inputs: [x], kernel: [2, 2], ...window });
        const missing = size % 2 === 0 ? 1 : 0;
        if (missing)
          y = push({ kind: 'pad', name: `${name}/pad`, inputs: [y], pads: [0, 0, 0, 0, 0, 0, missing, missing] });
        if (width !== channels) {
          const pads = [0, 0, 0, 0, 0, width - channels, 0, 0];
          shortcut = push({ kind: 'pad', name: `${name}/channels`, inputs: [shortcut], pads });
        }
        size = Math.floor(size / 2);
        channels = width;
      }
      x = push({ kind: 'add', name, inputs: [shortcut, y], activation: 'relu' });
    }
  x = push({ kind: 'average', name: 'average', inputs: [x] });
  x = push({ kind: 'flatten', name: 'flatten', inputs: [x] });
  push(dense(weights, x));
  return { name: 'face_resnet', layers, classes: 128, input: { size: SIZE, range: [0, 1] } };
}

async function readWeights(): Promise<Weights> {
  const folder = new URL('./', `file://${createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')}`);
  const read = (name: string): Promise<Buffer> => readFile(new URL(`model/face_recognition_model${name}`, folder));
  const [{ weights: specs }] = JSON.parse((await read('-weights_manifest.json')).toString()) as [
    { weights: { name: string; shape: number[]; quantization?: { dtype: string; scale: number; min: number } }[] },
  ];
  const bytes = await read('.bin');
  const weights = new Map<string, { shape: number[]; data: Float64Array }>();
  let offset = 0;
  for (const { name, shape, quantization } of specs) {
    const length = shape.reduce((product, dim) => product * dim, 1);
    if (quantization && quantization.dtype !== 'uint8')
      throw new InvalidModelError(`weight '${name}' is stored as ${quantization.dtype}; known: uint8, float32`);
    const stored = new Uint8Array(bytes.subarray(offset, offset + length * (quantization ? 1 : 4)));
    const data = quantization
      ? Float64Array.from(stored, (q) => Math.fround(q * quantization.scale + quantization.min))
      : Float64Array.from(new Float32Array(stored.buffer));
    weights.set(name, { shape, data });
    offset += stored.length;
  }
  if (offset !== bytes.length) throw new InvalidModelError(`${bytes.length} bytes of weights, not ${offset}`);
  return weights;
}

function weightOf(weights: Weights, name: string) {
  const weight = weights.get(name);
  if (!weight) throw new InvalidModelError(`the package's model has no weight '${name}'`);
  return weight;
}

/** A convolution with its bias, then a factor and a summand a channel: one convolution. Of stride 1 it keeps the size. */
function convolution(
  weights: Weights,
  name: string,
  input: string,
  stride: number,
  activation: Activation,
): WeightedLayer {
  const { shape, data } = weightOf(weights, `${name}/conv/filters`);
  const [bias, factor, summand] = ['conv/bias', 'scale/weights', 'scale/biases'].map(
    (part) => weightOf(weights, `${name}/${part}`).data,
  ) as [Float64Array, Float64Array, Float64Array];
  const [kh, kw, inputs, outputs] = shape as [number, number, number, number];
  const weight = new Float64Array(data.length);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++)
      for (let k = 0; k < kh * kw; k++)
        weight[(o * inputs + i) * kh * kw + k] = data[(k * inputs + i) * outputs + o]! * factor[o]!;
  return {
    kind: 'conv',
    name,
    input,
    shape: [outputs, inputs, kh, kw],
    weight,
    bias: bias.map((b, o) => b * factor[o]! + summand[o]!),
    activation,
    stride,
    pads: stride === 1 ? [1, 1, 1, 1] : NO_PADS,
    group: 1,
  };
}

/** The first layer for pixels of which the mean is not taken; right because it does not pad. */
function withoutMean(layer: WeightedLayer): WeightedLayer {
  const [, inputs, kh, kw] = layer.shape as [number, number, number, number];
  const perChannel = inputs * kh * kw;
  const bias = layer.bias.map((b, o) => {
    for (let k = 0; k < perChannel; k++)
      b -= layer.weight[o * perChannel + k]! * (MEAN[Math.floor(k / (kh * kw))]! / 255);
    return b;
  });
  return { ...layer, bias };
}

function dense(weights: Weights, input: string): WeightedLayer {
  const { shape, data } = weightOf(weights, 'fc');
  const [inputs, outputs] = shape as [number, number];
  const weight = Float64Array.from(data, (_, i) => data[(i % inputs) * outputs + Math.floor(i / inputs)]!);
  const bias = new Float64Array(outputs);
  const plain = { activation: 'linear', stride: 1, pads: NO_PADS, group: 1 } as const;
  return { kind: 'dense', name: 'descriptor', input, shape: [outputs, inputs], weight, bias, ...plain };
}
