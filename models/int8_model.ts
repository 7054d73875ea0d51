import { InvalidModelError } from '../src/errors.ts';
import { INPUT, OUTPUT, type Layer, type Network, type WeightedLayer } from './network.ts';
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

/** Pixels are byte / 255: with this scale the bytes themselves are what the network sees. */
const INPUT_RANGE = [0, 1] as const;
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

const QUANTIZED_INPUT = 'input_quantized';

/**
 * The network as an int8 ONNX file of QOperator form: float32 `input` [batch, 3, 224, 224], uint8 activations,
 * int8 weights with a scale for each output channel, float32 `logits` [batch, classes]. The ReLUs are the ends of
 * the uint8 ranges: a ReLU's output has zero point 0 and, for a ReLU6, no value above 6.
 *
 * @param ranges of every layer but flatten, which keeps its input's
 * @throws InvalidModelError where a range is missing or empty
 */
export function writeInt8Model(
  { layers, classes }: Network,
  ranges: Ranges,
  description: string,
): Uint8Array<ArrayBuffer> {
  const quantizations = new Map([[QUANTIZED_INPUT, activationQuantization(INPUT_RANGE)]]);
  const quantizationOf = (tensor: string): ActivationQuantization => quantizations.get(tensor)!;
  for (const layer of layers) quantizations.set(layer.name, outputQuantization(layer, ranges, quantizationOf));
  const last = layers.at(-1)!.name;
  return writeOnnx({
    name: 'nsfwjs_mobilenet_v2_int8',
    description,
    inputs: [{ name: INPUT, type: 'float32', dims: ['batch', 3, 224, 224] }],
    outputs: [{ name: OUTPUT, type: 'float32', dims: ['batch', classes] }],
    nodes: [
      node('QuantizeLinear', 'quantize', [INPUT, ...parametersOf(QUANTIZED_INPUT)], QUANTIZED_INPUT),
      ...layers.map(nodeOf),
      node('DequantizeLinear', 'dequantize', quantized(last), OUTPUT),
    ],
    constants: [
      ...[...quantizations].flatMap(([tensor, { scale, zeroPoint }]) => [
        { name: `${tensor}.scale`, dims: [], data: Float32Array.of(scale) },
        { name: `${tensor}.zero_point`, dims: [], data: Uint8Array.of(zeroPoint) },
      ]),
      ...layers.flatMap((layer) =>
        'weight' in layer ? constantsOf(layer, quantizationOf(tensorOf(layer.input)).scale) : [],
      ),
    ],
  });
}

function outputQuantization(
  layer: Layer,
  ranges: Ranges,
  quantizationOf: (tensor: string) => ActivationQuantization,
): ActivationQuantization {
  if (layer.kind === 'flatten') return quantizationOf(layer.inputs[0]!);
  const range = ranges[layer.name];
  if (!range) throw new InvalidModelError(`the calibration has no range for '${layer.name}'`);
  return activationQuantization(range);
}

function constantsOf(layer: WeightedLayer, inputScale: number): OnnxTensor[] {
  const { weight, scale, bias } = quantizeWeights(layer, inputScale);
  const perChannel = [bias.length];
  return [
    { name: `${layer.name}.weight`, dims: layer.shape, data: weight },
    { name: `${layer.name}.weight.scale`, dims: perChannel, data: scale },
    { name: `${layer.name}.weight.zero_point`, dims: perChannel, data: new Int8Array(bias.length) },
    { name: `${layer.name}.bias`, dims: perChannel, data: bias },
  ];
}

function node(
  op: string,
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: OnnxNode['attributes'] = {},
  domain: OnnxNode['domain'] = '',
): OnnxNode {
  return { name, op, domain, inputs, outputs: [output], attributes };
}

const tensorOf = (input: string): string => (input === INPUT ? QUANTIZED_INPUT : input);
const parametersOf = (tensor: string): string[] => [`${tensor}.scale`, `${tensor}.zero_point`];
const quantized = (tensor: string): string[] => [tensor, ...parametersOf(tensor)];

function nodeOf(layer: Layer): OnnxNode {
  const { name } = layer;
  switch (layer.kind) {
    case 'conv': {
      const { stride, pads, group, shape } = layer;
      const attributes = { kernel_shape: shape.slice(2), strides: [stride, stride], pads, group };
      const operands = [...quantized(tensorOf(layer.input)), ...quantized(`${name}.weight`)];
      return node('QLinearConv', name, [...operands, ...parametersOf(name), `${name}.bias`], name, attributes);
    }
    case 'dense': {
      const operands = [...quantized(layer.input), ...quantized(`${name}.weight`), `${name}.bias`];
      return node('QGemm', name, [...operands, ...parametersOf(name)], name, { transB: 1 }, 'com.microsoft');
    }
    case 'add': {
      const operands = [...layer.inputs.flatMap(quantized), ...parametersOf(name)];
      return node('QLinearAdd', name, operands, name, {}, 'com.microsoft');
    }
    case 'average': {
      const operands = [...layer.inputs.flatMap(quantized), ...parametersOf(name)];
      return node('QLinearGlobalAveragePool', name, operands, name, { channels_last: 0 }, 'com.microsoft');
    }
    case 'flatten':
      return node('Flatten', name, layer.inputs, name);
  }
}
