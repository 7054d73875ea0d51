import { INPUT, OUTPUT, type Layer, type Network, type WeightedLayer } from './network.ts';
import { writeOnnx, type OnnxNode, type OnnxTensor } from './onnx_writer.ts';

/**
 * The network in float32 as an ONNX file: what its quantization is calibrated on and measured against.
 *
 * @param observed names of layers whose outputs the file is to give besides `logits`
 */
export function writeFloatModel(
  { layers, classes }: Network,
  observed: readonly string[] = [],
): Uint8Array<ArrayBuffer> {
  return writeOnnx({
    name: 'nsfwjs_mobilenet_v2_float32',
    description: 'MobileNetV2 of the npm package nsfwjs, batch normalisation folded',
    inputs: [{ name: INPUT, type: 'float32', dims: ['batch', 3, 224, 224] }],
    outputs: [
      { name: OUTPUT, type: 'float32', dims: ['batch', classes] },
      ...observed.map((name) => ({ name, type: 'float32' }) as const),
    ],
    nodes: [...layers.flatMap(nodesOf), node('Identity', OUTPUT, [layers.at(-1)!.name], OUTPUT)],
    constants: [
      { name: 'zero', dims: [], data: Float32Array.of(0) },
      { name: 'six', dims: [], data: Float32Array.of(6) },
      ...layers.flatMap((layer) => ('weight' in layer ? constantsOf(layer) : [])),
    ],
  });
}

function constantsOf({ name, shape, weight, bias }: WeightedLayer): OnnxTensor[] {
  return [
    { name: `${name}.weight`, dims: shape, data: Float32Array.from(weight) },
    { name: `${name}.bias`, dims: [bias.length], data: Float32Array.from(bias) },
  ];
}

function node(
  op: string,
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: OnnxNode['attributes'] = {},
): OnnxNode {
  return { name, op, domain: '', inputs, outputs: [output], attributes };
}

const PLAIN = { add: 'Add', average: 'GlobalAveragePool', flatten: 'Flatten' };

function nodesOf(layer: Layer): OnnxNode[] {
  if (!('weight' in layer)) return [node(PLAIN[layer.kind], layer.name, layer.inputs, layer.name)];
  const { kind, name, input, activation, shape, stride, pads, group } = layer;
  const sum = activation === 'linear' ? name : `${name}.sum`;
  const inputs = [input, `${name}.weight`, `${name}.bias`];
  const linear =
    kind === 'dense'
      ? node('Gemm', name, inputs, sum, { transB: 1 })
      : node('Conv', name, inputs, sum, { kernel_shape: shape.slice(2), strides: [stride, stride], pads, group });
  if (activation === 'linear') return [linear];
  const clamp =
    activation === 'relu6'
      ? node('Clip', `${name}.relu6`, [sum, 'zero', 'six'], name)
      : node('Relu', `${name}.relu`, [sum], name);
  return [linear, clamp];
}
