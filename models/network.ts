import { InvalidModelError, UnsupportedModelError } from '../src/errors.ts';
import type { KerasLayer, KerasModel, KerasWeight } from './nsfwjs/keras.ts';

export type Activation = 'linear' | 'relu' | 'relu6';

/** A convolution or fully connected layer, batch normalisation folded in; in double precision. */
export interface WeightedLayer {
  readonly kind: 'conv' | 'dense';
  readonly name: string;
  readonly input: string;
  /** [out, in / group, kh, kw], or [out, in]. */
  readonly shape: readonly number[];
  readonly weight: Float64Array;
  /** One an output channel. */
  readonly bias: Float64Array;
  readonly activation: Activation;
  readonly stride: number;
  /** [top, left, bottom, right] */
  readonly pads: readonly number[];
  readonly group: number;
}

export interface PlainLayer {
  /** `average` is over all of each plane; `concat` is of channels; `mul` may have a second operand of 1 by 1 pixels. */
  readonly kind: 'add' | 'mul' | 'concat' | 'average' | 'flatten' | 'hard_swish' | 'hard_sigmoid';
  readonly name: string;
  readonly inputs: readonly string[];
  /** Of an add. */
  readonly activation?: Activation;
}

/** A pooling; an average is of what lies inside the picture. */
export interface PoolLayer {
  readonly kind: 'max_pool' | 'average_pool';
  readonly name: string;
  readonly inputs: readonly [string];
  readonly kernel: readonly [number, number];
  readonly stride: number;
  /** [top, left, bottom, right] */
  readonly pads: readonly number[];
}

/** Zeros around a tensor. */
export interface PadLayer {
  readonly kind: 'pad';
  readonly name: string;
  readonly inputs: readonly [string];
  /** Before each of the dimensions N, C, H, W, then after each. */
  readonly pads: readonly number[];
}

export type Layer = WeightedLayer | PlainLayer | PoolLayer | PadLayer;

/** An inference network. Each layer's output bears the layer's name; the first reads `INPUT`. */
export interface Network {
  readonly name: string;
  readonly layers: readonly Layer[];
  readonly classes: number;
  readonly input: {
    /** Of a side, in pixels; there are three channels. */
    readonly size: number;
    /** [smallest, largest] value. */
    readonly range: readonly [number, number];
  };
}

/** The names of a model's input and of its output, whose values are the last layer's. */
export const INPUT = 'input';
export const OUTPUT = 'logits';

const NO_PADS = [0, 0, 0, 0];

/** What stands for a Keras layer while the model is read: the paddings go into the convolutions that follow. */
type Step =
  | Layer
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'padding'; readonly name: string; readonly input: string; readonly pads: readonly number[] };

/**
 * The inference network of a Keras model: batch normalisation folded, padding and ReLU part of the layer that
 * they belong to, dropout and the final softmax left out.
 *
 * @param size pixels of a side of the picture
 * @throws UnsupportedModelError where a layer or its configuration is none of a MobileNetV2's or an InceptionV3's
 */
export function foldNetwork(model: KerasModel, name: string, size: number): Network {
  const steps = new Map<string, Step>();
  /** The step whose output a Keras layer's output is. */
  const stepOf = new Map<string, string>();
  for (const layer of model.layers) {
    const inputs = layer.inputs.map((name) => steps.get(stepOf.get(name)!)!);
    const step = readStep(model, layer, inputs);
    steps.set(step.name, step);
    stepOf.set(layer.name, step.name);
  }
  const layers = [...steps.values()].filter((step) => step.kind !== 'input' && step.kind !== 'padding');
  const last = layers.at(-1);
  if (last?.kind !== 'dense') throw new UnsupportedModelError(`the last layer is '${last?.name}'; supported: a Dense`);
  // the pixels are byte / 255
  return { name, layers, classes: last.bias.length, input: { size, range: [0, 1] } };
}

/** The step that a Keras layer is, or the one before with what the layer adds to it. */
function readStep(model: KerasModel, layer: KerasLayer, inputs: readonly Step[]): Step {
  const { className, name } = layer;
  if (className === 'InputLayer') return { kind: 'input', name: INPUT };
  const before = inputs[0]!;
  const isConvolution = className === 'Conv2D' || className === 'DepthwiseConv2D';
  if (before.kind === 'padding' && !isConvolution)
    throw new UnsupportedModelError(`layer '${name}': a ${className} after padding; supported: a convolution`);

  switch (className) {
    case 'Dropout':
      return before;
    case 'ZeroPadding2D':
      return { kind: 'padding', name, input: before.name, pads: zeroPadding(layer) };
    case 'Conv2D':
    case 'DepthwiseConv2D':
      return convolution(model, layer, before);
    case 'Dense':
      return dense(model, layer, before.name);
    case 'BatchNormalization':
      return foldBatchNormalization(model, layer, linearConvolution(before, layer));
    case 'ReLU':
      expectOption(layer, 'max_value', 6);
      return { ...linearConvolution(before, layer), activation: 'relu6' };
    case 'Activation':
      expectOption(layer, 'activation', 'relu');
      return { ...linearConvolution(before, layer), activation: 'relu' };
    case 'Concatenate':
      return { kind: 'concat', name, inputs: inputs.map((input) => input.name) };
    case 'MaxPooling2D':
      return pool(layer, before);
    case 'Add':
      return { kind: 'add', name, inputs: inputs.map((input) => input.name) };
    case 'AveragePooling2D':
      // the whole of what a MobileNetV2 leaves of 224 x 224 pixels, and an InceptionV3 of 299 x 299
      if (['[7,7]', '[8,8]'].includes(JSON.stringify(layer.config['pool_size'])))
        return { kind: 'average', name, inputs: [before.name] };
      return pool(layer, before);
    case 'Flatten':
      return { kind: 'flatten', name, inputs: [before.name] };
    default:
      throw new UnsupportedModelError(
        `layer '${name}' is a ${className}; supported: InputLayer, ZeroPadding2D, Conv2D, DepthwiseConv2D, ` +
          'BatchNormalization, ReLU, Activation, Add, Concatenate, MaxPooling2D, AveragePooling2D, Flatten, Dense, Dropout',
      );
  }
}

function expectOption(layer: KerasLayer, option: string, ...supported: readonly unknown[]): void {
  const got = JSON.stringify(layer.config[option]);
  const known = supported.map((value) => JSON.stringify(value));
  if (!known.includes(got))
    throw new UnsupportedModelError(`layer '${layer.name}': ${option} = ${got}; supported: ${known.join(', ')}`);
}

function linearConvolution(step: Step, { name, className }: KerasLayer): WeightedLayer {
  if (step.kind === 'conv' && step.activation === 'linear') return step;
  throw new UnsupportedModelError(
    `layer '${name}': a ${className} after a layer of kind ${step.kind}; supported: conv`,
  );
}

function weightOf({ weights }: KerasModel, { name }: KerasLayer, part: string): KerasWeight {
  const weight = weights.get(`${name}/${part}`);
  if (!weight) throw new InvalidModelError(`layer '${name}' has no weight '${name}/${part}'`);
  return weight;
}

function zeroPadding(layer: KerasLayer): number[] {
  const [[top, bottom], [left, right]] = layer.config['padding'] as [[number, number], [number, number]];
  return [top, left, bottom, right];
}

function convolution(model: KerasModel, layer: KerasLayer, before: Step): WeightedLayer {
  expectOption(layer, 'activation', 'linear');
  expectOption(layer, 'use_bias', false);
  expectOption(layer, 'dilation_rate', [1, 1]);
  expectOption(layer, 'strides', [1, 1], [2, 2]);
  const depthwise = layer.className === 'DepthwiseConv2D';
  if (depthwise) expectOption(layer, 'depth_multiplier', 1);
  const kernel = weightOf(model, layer, depthwise ? 'depthwise_kernel' : 'kernel');
  const [kh, kw, channels, last] = kernel.shape as [number, number, number, number];
  const [out, inGroup] = depthwise ? [channels, 1] : [last, channels];

  const stride = (layer.config['strides'] as [number, number])[0];
  // 'same' depends on the picture's size unless the stride is 1, and would come on top of an explicit padding
  if (stride !== 1 || before.kind === 'padding') expectOption(layer, 'padding', 'valid');
  const explicit = before.kind === 'padding' ? before : { input: before.name, pads: NO_PADS };
  if (kh % 2 === 0 || kw % 2 === 0) expectOption(layer, 'padding', 'valid');
  const pads = layer.config['padding'] === 'same' ? samePads(kh, kw) : explicit.pads;

  // [kh, kw, in, out] or, depthwise, [kh, kw, out, 1] becomes [out, in / group, kh, kw]
  const weight = new Float64Array(kernel.data.length);
  for (let o = 0; o < out; o++)
    for (let i = 0; i < inGroup; i++)
      for (let k = 0; k < kh * kw; k++)
        weight[(o * inGroup + i) * kh * kw + k] = kernel.data[(k * inGroup + i) * out + o]!;
  return {
    kind: 'conv',
    name: layer.name,
    input: explicit.input,
    shape: [out, inGroup, kh, kw],
    weight,
    bias: new Float64Array(out),
    activation: 'linear',
    stride,
    pads,
    group: depthwise ? out : 1,
  };
}

/** What keeps the size, for odd kernels and a stride of 1: [top, left, bottom, right]. */
function samePads(kh: number, kw: number): number[] {
  const [y, x] = [(kh - 1) / 2, (kw - 1) / 2];
  return [y, x, y, x];
}

function pool(layer: KerasLayer, { name: input }: Step): PoolLayer {
  const { className, name, config } = layer;
  expectOption(layer, 'pool_size', [2, 2], [3, 3]);
  expectOption(layer, 'strides', [1, 1], [2, 2]);
  const kernel = config['pool_size'] as [number, number];
  const stride = (config['strides'] as [number, number])[0];
  // 'same' depends on the picture's size unless the stride is 1
  if (stride !== 1 || kernel[0] === 2) expectOption(layer, 'padding', 'valid');
  const pads = config['padding'] === 'same' ? samePads(...kernel) : NO_PADS;
  return {
    kind: className === 'MaxPooling2D' ? 'max_pool' : 'average_pool',
    name,
    inputs: [input],
    kernel,
    stride,
    pads,
  };
}

function dense(model: KerasModel, layer: KerasLayer, input: string): WeightedLayer {
  expectOption(layer, 'activation', 'relu', 'softmax');
  const kernel = weightOf(model, layer, 'kernel');
  const [inputs, out] = kernel.shape as [number, number];
  const weight = new Float64Array(inputs * out);
  for (let o = 0; o < out; o++) for (let i = 0; i < inputs; i++) weight[o * inputs + i] = kernel.data[i * out + o]!;
  return {
    kind: 'dense',
    name: layer.name,
    input,
    shape: [out, inputs],
    weight,
    bias: Float64Array.from(weightOf(model, layer, 'bias').data),
    activation: layer.config['activation'] === 'relu' ? 'relu' : 'linear',
    stride: 1,
    pads: NO_PADS,
    group: 1,
  };
}

/** y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, taken into the weights and bias of the layer before. */
function foldBatchNormalization(model: KerasModel, layer: KerasLayer, into: WeightedLayer): WeightedLayer {
  const [beta, mean, variance] = ['beta', 'moving_mean', 'moving_variance'].map(
    (part) => weightOf(model, layer, part).data,
  ) as [Float32Array, Float32Array, Float32Array];
  const gamma = layer.config['scale'] === false ? beta.map(() => 1) : weightOf(model, layer, 'gamma').data;
  const epsilon = layer.config['epsilon'] as number;
  const factor = Float64Array.from(gamma, (g, o) => g / Math.sqrt(variance[o]! + epsilon));
  const perChannel = into.weight.length / factor.length;
  return {
    ...into,
    weight: into.weight.map((w, i) => w * factor[Math.floor(i / perChannel)]!),
    bias: into.bias.map((b, o) => (b - mean[o]!) * factor[o]! + beta[o]!),
  };
}
