import type { Layer, Network, PadLayer } from './network.ts';
import type { OnnxAttribute, OnnxNode, OnnxTensor } from './onnx_writer.ts';

export function node(
  op: string,
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: OnnxNode['attributes'] = {},
  domain: OnnxNode['domain'] = '',
): OnnxNode {
  return { name, op, domain, inputs, outputs: [output], attributes };
}

/** ONNX's float operator of each kind of layer. */
const OPERATORS: Readonly<Record<Layer['kind'], string>> = {
  conv: 'Conv',
  dense: 'Gemm',
  add: 'Add',
  mul: 'Mul',
  concat: 'Concat',
  average: 'GlobalAveragePool',
  flatten: 'Flatten',
  hard_swish: 'HardSwish',
  hard_sigmoid: 'HardSigmoid',
  max_pool: 'MaxPool',
  average_pool: 'AveragePool',
  pad: 'Pad',
};

/** What a layer's operator says besides its operands; the quantized operators of ONNX say the same. */
export function attributesOf(layer: Layer): Record<string, OnnxAttribute> {
  switch (layer.kind) {
    case 'conv': {
      const { stride, pads, group, shape } = layer;
      return { kernel_shape: shape.slice(2), strides: [stride, stride], pads, group };
    }
    case 'max_pool':
    case 'average_pool': {
      const { kernel, stride, pads } = layer;
      return { kernel_shape: kernel, strides: [stride, stride], pads };
    }
    case 'dense':
      return { transB: 1 };
    case 'concat':
      return { axis: 1 };
    case 'hard_sigmoid':
      // as PyTorch exports it: max(0, min(1, x / 6 + 1 / 2))
      return { alpha: { float: Math.fround(1 / 6) }, beta: { float: 0.5 } };
    default:
      return {};
  }
}

/** The layer as ONNX's operator of float32 tensors. */
export function floatNode(layer: Layer, inputs: readonly string[], output: string, name = layer.name): OnnxNode {
  const operands = layer.kind === 'pad' ? [...inputs, padsOf(layer).name] : inputs;
  return node(OPERATORS[layer.kind], name, operands, output, attributesOf(layer));
}

export function padsOf({ name, pads }: PadLayer): OnnxTensor {
  return { name: `${name}.pads`, dims: [pads.length], data: BigInt64Array.from(pads, BigInt) };
}

/** ONNX's operator set, where it has to be newer than the writer's own: HardSwish came with 14. */
export function operatorSetOf({ layers }: Network): number | undefined {
  return layers.some(({ kind }) => kind === 'hard_swish') ? 14 : undefined;
}
