import {
  constantsOf,
  inputsOf,
  parametersOf,
  quantizationsOf,
  quantized,
  QUANTIZED_INPUT,
  type Ranges,
} from './int8_model.ts';
import { INPUT, OUTPUT, type Layer, type Network } from './network.ts';
import { floatNode, node, operatorSetOf } from './nodes.ts';
import { writeOnnx, type OnnxNode, type OnnxTensor } from './onnx_writer.ts';

const real = (tensor: string): string => `${tensor}.real`;

/**
 * The network as an int8 ONNX file of Q/DQ form, the numbers of which are those of `writeInt8Model`: float operators,
 * each of their operands behind a DequantizeLinear and each of their results before a QuantizeLinear, as the
 * quantizer of onnxruntime writes them. The ReLUs are the ends of the uint8 ranges.
 *
 * @throws InvalidModelError where a range is missing or empty
 */
export function writeQdqModel(network: Network, ranges: Ranges, description: string): Uint8Array<ArrayBuffer> {
  const { name, layers, classes, input } = network;
  const quantizations = quantizationsOf(network, ranges);
  const constants = constantsOf(network, quantizations);
  const scaleOf = (tensor: string): Float32Array =>
    constants.find((constant) => constant.name === `${tensor}.scale`)!.data as Float32Array;
  const operatorSet = operatorSetOf(network);
  const last = layers.at(-1)!.name;
  return writeOnnx({
    name: `${name}_qdq`,
    description,
    inputs: [{ name: INPUT, type: 'float32', dims: ['batch', 3, input.size, input.size] }],
    outputs: [{ name: OUTPUT, type: 'float32', dims: ['batch', classes] }],
    nodes: [
      node('QuantizeLinear', 'quantize', [INPUT, ...parametersOf(QUANTIZED_INPUT)], QUANTIZED_INPUT),
      dequantize(QUANTIZED_INPUT, real(QUANTIZED_INPUT)),
      ...layers.flatMap((layer) => nodesOf(layer, layer.name === last ? OUTPUT : real(layer.name))),
    ],
    constants: [
      ...constants,
      ...layers.flatMap((layer): OnnxTensor[] => {
        if (!('weight' in layer)) return [];
        // a bias is in units of the input's scale times the weight's
        const [inputScale] = scaleOf(inputsOf(layer)[0]!);
        const scale = scaleOf(`${layer.name}.weight`).map((s) => s * inputScale!);
        return [{ name: `${layer.name}.bias.scale`, dims: [scale.length], data: scale }];
      }),
    ],
    ...(operatorSet && { operatorSet }),
  });
}

function dequantize(tensor: string, output: string): OnnxNode {
  return node('DequantizeLinear', `${tensor}.dequantize`, quantized(tensor), output);
}

/** The operator between the DequantizeLinear of its weights and the Q/DQ pair of its result. */
function nodesOf(layer: Layer, output: string): OnnxNode[] {
  const { name } = layer;
  const [weight, bias] = [`${name}.weight`, `${name}.bias`];
  const weights =
    'weight' in layer
      ? [
          node('DequantizeLinear', `${weight}.dequantize`, quantized(weight), real(weight), { axis: 0 }),
          node('DequantizeLinear', `${bias}.dequantize`, [bias, `${bias}.scale`], real(bias), { axis: 0 }),
        ]
      : [];
  const operands = [...inputsOf(layer).map(real), ...weights.map(({ outputs }) => outputs[0]!)];
  return [
    ...weights,
    floatNode(layer, operands, `${name}.float`),
    node('QuantizeLinear', `${name}.quantize`, [`${name}.float`, ...parametersOf(name)], name),
    dequantize(name, output),
  ];
}
