import { floatNode, node, operatorSetOf, padsOf } from './nodes.ts';
import { INPUT, OUTPUT, type Layer, type Network, type WeightedLayer } from './network.ts';
import { writeOnnx, type OnnxNode, type OnnxTensor } from './onnx_writer.ts';

/**
 * The network in float32 as an ONNX file: what its quantization is calibrated on and measured against.
 *
 * @param observed names of layers whose outputs the file is to give besides `logits`
 */
export function writeFloatModel(network: Network, observed: readonly string[] = []): Uint8Array<ArrayBuffer> {
  const { name, layers, classes, input } = network;
  const operatorSet = operatorSetOf(network);
  return writeOnnx({
    name: `${name}_float32`,
    description: FLOAT_DESCRIPTION,
    inputs: [{ name: INPUT, type: 'float32', dims: ['batch', 3, input.size, input.size] }],
    outputs: [
      { name: OUTPUT, type: 'float32', dims: ['batch', classes] },
      ...observed.map((name) => ({ name, type: 'float32' }) as const),
    ],
    nodes: [...layers.flatMap(nodesOf), node('Identity', OUTPUT, [layers.at(-1)!.name], OUTPUT)],
    constants: [
      { name: 'zero', dims: [], data: Float32Array.of(0) },
      { name: 'six', dims: [], data: Float32Array.of(6) },
      ...layers.flatMap((layer) => ('weight' in layer ? constantsOf(layer) : [])),
      ...layers.flatMap((layer) => (layer.kind === 'pad' ? [padsOf(layer)] : [])),
    ],
    ...(operatorSet && { operatorSet }),
  });
}

const FLOAT_DESCRIPTION = 'in float32, batch normalisation folded';

function constantsOf({ name, shape, weight, bias }: WeightedLayer): OnnxTensor[] {
  return [
    { name: `${name}.weight`, dims: shape, data: Float32Array.from(weight) },
    { name: `${name}.bias`, dims: [bias.length], data: Float32Array.from(bias) },
  ];
}

function nodesOf(layer: Layer): OnnxNode[] {
  const { name } = layer;
  const activation = 'activation' in layer ? (layer.activation ?? 'linear') : 'linear';
  const before = activation === 'linear' ? name : `${name}.sum`;
  const inputs = 'weight' in layer ? [layer.input, `${name}.weight`, `${name}.bias`] : layer.inputs;
  const operator = floatNode(layer, inputs, before);
  if (activation === 'linear') return [operator];
  const clamp =
    activation === 'relu6'
      ? node('Clip', `${name}.relu6`, [before, 'zero', 'six'], name)
      : node('Relu', `${name}.relu`, [before], name);
  return [operator, clamp];
}
