import { InvalidModelError, UnsupportedModelError } from '../src/errors.ts';
import { INPUT, OUTPUT, type Layer, type Network, type WeightedLayer } from './network.ts';
import { attributesOf, floatNode, node, padsOf } from './nodes.ts';
import { writeOnnx, type OnnxNode, type OnnxTensor } from './onnx_writer.ts';

/** [smallest, largest] value of each layer's output, by the layer's name. */
export type Ranges = Readonly<Record<string, readonly [number, number]>>;

/** real = scale * (q - zeroPoint), q in 0 .. 255 */
export interface ActivationQuantization {
  /** A float32. */
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface QuantizedWeights {
  /** -127 .. 127 */
  readonly weight: Int8Array;
  /** One an output channel; real = scale * q. */
  readonly scale: Float32Array;
  /** In units of the input's scale times the weight's. */
  readonly bias: Int32Array;
}

/**
 * What a bias may take of an int32. No channel of the default model with weights needs more, and all accumulators
 * stay below 2^24, where float32 holds every integer.
 */
const LARGEST_BIAS = 2 ** 20;

/** The uint8 quantization of [min, max], widened to hold 0. @throws InvalidModelError for an empty range */
export function activationQuantization([min, max]: readonly [number, number]): ActivationQuantization {
  const low = Math.min(min, 0);
  const scale = Math.fround((Math.max(max, 0) - low) / 255);
  if (!(scale > 0 && scale < Infinity))
    throw new InvalidModelError(`the range [${min}, ${max}] of an activation cannot be quantized`);
  return { scale, zeroPoint: Math.round((0 - low) / scale) };
}

/** Symmetric int8 weights, a scale for each output channel, and the int32 bias for inputs of `inputScale`. */
export function quantizeWeights({ weight, bias }: WeightedLayer, inputScale: number): QuantizedWeights {
  const perChannel = weight.length / bias.length;
  const scale = new Float32Array(bias.length);
  for (let o = 0; o < bias.length; o++) {
    const channel = weight.subarray(o * perChannel, (o + 1) * perChannel);
    const largest = channel.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    // channels whose weights are all zero are their bias alone, and take their scale from it
    scale[o] = Math.max(largest / 127, Math.abs(bias[o]!) / (inputScale * LARGEST_BIAS)) || 1;
  }
  return {
    weight: Int8Array.from(weight, (w, i) => Math.round(w / scale[Math.floor(i / perChannel)]!)),
    scale,
    bias: Int32Array.from(bias, (b, o) => Math.round(b / (inputScale * scale[o]!))),
  };
}

/** The input as the network sees it: pixels that are byte / 255 are the bytes themselves. */
export const QUANTIZED_INPUT = 'input_quantized';

/** The name of the 8-bit tensor that a layer reads. */
export const tensorOf = (input: string): string => (input === INPUT ? QUANTIZED_INPUT : input);
export const inputsOf = (layer: Layer): readonly string[] =>
  ('weight' in layer ? [layer.input] : layer.inputs).map(tensorOf);
export const parametersOf = (tensor: string): string[] => [`${tensor}.scale`, `${tensor}.zero_point`];
export const quantized = (tensor: string): string[] => [tensor, ...parametersOf(tensor)];

/** Layers that move values only, or choose among them: their output is quantized as their input is. */
const KEEPS: readonly Layer['kind'][] = ['flatten', 'max_pool', 'pad'];

/**
 * How every 8-bit tensor of a network is quantized, by its name.
 *
 * @throws InvalidModelError where a range is missing or empty
 */
export function quantizationsOf(network: Network, ranges: Ranges): ReadonlyMap<string, ActivationQuantization> {
  const quantizations = new Map([[QUANTIZED_INPUT, activationQuantization(network.input.range)]]);
  for (const layer of network.layers) {
    const kept = KEEPS.includes(layer.kind) ? quantizations.get(inputsOf(layer)[0]!) : undefined;
    const range = ranges[layer.name];
    if (!kept && !range) throw new InvalidModelError(`the calibration has no range for '${layer.name}'`);
    quantizations.set(layer.name, kept ?? activationQuantization(range!));
  }
  return quantizations;
}

/** The parameters of all activations, and the weights and biases of all layers. */
export function constantsOf(
  { layers }: Network,
  quantizations: ReadonlyMap<string, ActivationQuantization>,
): OnnxTensor[] {
  return [
    ...[...quantizations].flatMap(([tensor, { scale, zeroPoint }]) => [
      { name: `${tensor}.scale`, dims: [], data: Float32Array.of(scale) },
      { name: `${tensor}.zero_point`, dims: [], data: Uint8Array.of(zeroPoint) },
    ]),
    ...layers.flatMap((layer): OnnxTensor[] => {
      if (layer.kind === 'pad') return [padsOf(layer)];
      return 'weight' in layer ? weightsOf(layer, quantizations.get(tensorOf(layer.input))!.scale) : [];
    }),
  ];
}

function weightsOf(layer: WeightedLayer, inputScale: number): OnnxTensor[] {
  const { weight, scale, bias } = quantizeWeights(layer, inputScale);
  const perChannel = [bias.length];
  return [
    { name: `${layer.name}.weight`, dims: layer.shape, data: weight },
    { name: `${layer.name}.weight.scale`, dims: perChannel, data: scale },
    { name: `${layer.name}.weight.zero_point`, dims: perChannel, data: new Int8Array(bias.length) },
    { name: `${layer.name}.bias`, dims: perChannel, data: bias },
  ];
}

/**
 * The network as an int8 ONNX file of QOperator form: float32 `input` [batch, 3, size, size], uint8 activations,
 * int8 weights with a scale for each output channel, float32 `logits` [batch, classes]. The ReLUs are the ends of
 * the uint8 ranges: a ReLU's output has zero point 0 and, for a ReLU6, no value above 6.
 *
 * @param ranges of every layer but those that keep their input's
 * @throws InvalidModelError where a range is missing or empty
 * @throws UnsupportedModelError for a layer that ONNX has no quantized operator for
 */
export function writeInt8Model(network: Network, ranges: Ranges, description: string): Uint8Array<ArrayBuffer> {
  const { name, layers, classes, input } = network;
  const last = layers.at(-1)!.name;
  return writeOnnx({
    name: `${name}_int8`,
    description,
    inputs: [{ name: INPUT, type: 'float32', dims: ['batch', 3, input.size, input.size] }],
    outputs: [{ name: OUTPUT, type: 'float32', dims: ['batch', classes] }],
    nodes: [
      node('QuantizeLinear', 'quantize', [INPUT, ...parametersOf(QUANTIZED_INPUT)], QUANTIZED_INPUT),
      ...layers.map(nodeOf),
      node('DequantizeLinear', 'dequantize', quantized(last), OUTPUT),
    ],
    constants: constantsOf(network, quantizationsOf(network, ranges)),
  });
}

/** Operators of com.microsoft whose operands are tensors with their parameters, then the output's parameters. */
const QUANTIZED_OPERATORS = {
  add: 'QLinearAdd',
  mul: 'QLinearMul',
  average: 'QLinearGlobalAveragePool',
  average_pool: 'QLinearAveragePool',
} as const;

function nodeOf(layer: Layer): OnnxNode {
  const { name, kind } = layer;
  const operands = inputsOf(layer);
  const attributes = attributesOf(layer);
  switch (kind) {
    case 'conv': {
      const inputs = [...operands.flatMap(quantized), ...quantized(`${name}.weight`)];
      return node('QLinearConv', name, [...inputs, ...parametersOf(name), `${name}.bias`], name, attributes);
    }
    case 'dense': {
      const inputs = [...operands.flatMap(quantized), ...quantized(`${name}.weight`), `${name}.bias`];
      return node('QGemm', name, [...inputs, ...parametersOf(name)], name, attributes, 'com.microsoft');
    }
    case 'concat': {
      const inputs = [...parametersOf(name), ...operands.flatMap(quantized)];
      return node('QLinearConcat', name, inputs, name, attributes, 'com.microsoft');
    }
    case 'add':
    case 'mul':
    case 'average':
    case 'average_pool': {
      const layout = kind.startsWith('average') ? { channels_last: 0 } : {};
      const inputs = [...operands.flatMap(quantized), ...parametersOf(name)];
      return node(QUANTIZED_OPERATORS[kind], name, inputs, name, { ...attributes, ...layout }, 'com.microsoft');
    }
    case 'flatten':
    case 'max_pool':
      return floatNode(layer, operands, name);
    case 'pad': {
      // what is around it is the real 0, which is the zero point
      const { inputs, ...pad } = floatNode(layer, operands, name);
      return { ...pad, inputs: [...inputs, parametersOf(operands[0]!)[1]!] };
    }
    case 'hard_swish':
    case 'hard_sigmoid':
      throw new UnsupportedModelError(`layer '${name}': ONNX has no quantized operator for a ${kind}`);
  }
}
