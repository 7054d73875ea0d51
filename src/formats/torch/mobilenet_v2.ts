import { UnsupportedModelError } from '../../errors.ts';
import {
  DYNAMIC,
  type Attributes,
  type Constant,
  type Graph,
  type GraphNode,
  type Quantization,
  type QuantizedType,
} from '../../graph/graph.ts';
import { describe } from './pickle.ts';
import type { StateDict } from './state_dict.ts';
import { ANY, type QuantizedWeight } from './tensor_reader.ts';

/** torchvision's strides of features.0 to features.18: they are not in a state_dict, and no option changes them. */
const STRIDES = [2, 1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1] as const;
const LAST = STRIDES.length - 1;

/** The network was trained for this; being fully convolutional, it takes any height and width. */
const IMAGE_SIZE = 224;

interface ConvOptions {
  readonly kernel: 1 | 3;
  readonly stride: number;
  readonly depthwise: boolean;
  readonly relu: boolean;
}

/** A tensor on the way through the network. */
interface Activation {
  readonly name: string;
  readonly channels: number;
  readonly quantization: Quantization;
}

/**
 * torchvision's quantized MobileNetV2 from its tensors. Widths, expansions and classes come from the shapes; tensors
 * have the names of the PyTorch modules that compute them ('adaptive_avg_pool2d', 'avgpool', 'output' have none).
 *
 * @throws UnsupportedModelError where the tensors are those of another network
 */
export function buildMobileNetV2(dict: StateDict): Graph {
  const builder = new Builder(dict);
  let x = builder.quantize('quant', dict.weight('features.0.0.weight', [ANY, ANY, 3, 3]).shape[1]!);
  x = builder.conv('features.0.0', x, { kernel: 3, stride: STRIDES[0], depthwise: false, relu: true });
  for (let i = 1; i < LAST; i++) x = builder.invertedResidual(`features.${i}`, x, STRIDES[i]!);
  x = builder.conv(`features.${LAST}.0`, x, { kernel: 1, stride: STRIDES[LAST]!, depthwise: false, relu: true });
  x = builder.keep('GlobalAveragePool', 'adaptive_avg_pool2d', x);
  x = builder.keep('Flatten', 'avgpool', x, { axis: 1 });
  x = builder.linear('classifier.1', x);
  dict.requireAllUsed();
  return builder.finish(x);
}

class Builder {
  private readonly dict: StateDict;
  private readonly nodes: GraphNode[] = [];
  private readonly constants = new Map<string, Constant>();
  private readonly tensors = new Map<string, QuantizedType>();
  private inputChannels = 0;
  private perChannel = false;

  constructor(dict: StateDict) {
    this.dict = dict;
  }

  quantize(name: string, channels: number): Activation {
    this.inputChannels = channels;
    return this.node('QuantizeLinear', ['input'], { name, channels, quantization: this.dict.activation(name) });
  }

  conv(name: string, x: Activation, { kernel, stride, depthwise, relu }: ConvOptions): Activation {
    const shape = depthwise ? [x.channels, 1, kernel, kernel] : [ANY, x.channels, kernel, kernel];
    const weight = this.dict.weight(`${name}.weight`, shape);
    const channels = weight.shape[0]!;
    const operands = this.parameters(name, weight, this.dict.floats(`${name}.bias`, channels));
    const pad = (kernel - 1) / 2;
    return this.node(
      'Conv',
      [x.name, ...operands],
      { name, channels, quantization: this.dict.activation(name) },
      {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        dilations: [1, 1],
        group: depthwise ? channels : 1,
        relu: Number(relu),
      },
    );
  }

  /** Expansion (none in the first), depthwise, projection; added to the input where the shapes are the same. */
  invertedResidual(name: string, input: Activation, stride: number): Activation {
    const expands = this.dict.has(`${name}.conv.2.weight`);
    const [depthwise, project] = expands ? ['conv.1.0', 'conv.2'] : ['conv.0.0', 'conv.1'];
    let x = input;
    if (expands) x = this.conv(`${name}.conv.0.0`, x, { kernel: 1, stride: 1, depthwise: false, relu: true });
    x = this.conv(`${name}.${depthwise}`, x, { kernel: 3, stride, depthwise: true, relu: true });
    x = this.conv(`${name}.${project}`, x, { kernel: 1, stride: 1, depthwise: false, relu: false });
    // every block has a skip_add in its state_dict, used or not
    const added = {
      name: `${name}.skip_add`,
      channels: x.channels,
      quantization: this.dict.activation(`${name}.skip_add`),
    };
    if (stride !== 1 || input.channels !== x.channels) return x;
    return this.node('Add', [input.name, x.name], added, { relu: 0 });
  }

  linear(name: string, x: Activation): Activation {
    const [weightKey, weightValue, biasKey, biasValue] = this.linearParameters(name);
    const weight = this.dict.weight(weightKey, [ANY, x.channels], weightValue);
    const channels = weight.shape[0]!;
    const operands = this.parameters(name, weight, this.dict.floats(biasKey, channels, biasValue));
    const y = { name, channels, quantization: this.dict.activation(name) };
    return this.node('Gemm', [x.name, ...operands], y, { transB: 1, relu: 0 });
  }

  /** Where a linear layer's parameters are: a tuple since PyTorch 1.5, two entries before, under one of two names. */
  private linearParameters(name: string) {
    const packed = `${name}._packed_params`;
    const tuple = `${packed}._packed_params`;
    if (this.dict.has(`${packed}.dtype`)) this.dict.get(`${packed}.dtype`);
    if (!this.dict.has(tuple)) {
      const prefix = this.dict.has(`${packed}.weight`) ? packed : name;
      const [weight, bias] = [`${prefix}.weight`, `${prefix}.bias`];
      return [weight, this.dict.get(weight), bias, this.dict.get(bias)] as const;
    }
    const value = this.dict.get(tuple);
    if (!Array.isArray(value) || value.length !== 2)
      throw new UnsupportedModelError(`'${tuple}': expected a weight and a bias, got ${describe(value)}`);
    return [`${tuple}[0]`, value[0]!, `${tuple}[1]`, value[1]!] as const;
  }

  /** An operator whose output has its input's quantization. */
  keep(op: string, name: string, x: Activation, attributes: Attributes = {}): Activation {
    return this.node(op, [x.name], { ...x, name }, attributes);
  }

  finish(x: Activation): Graph {
    this.nodes.push({ name: 'output', op: 'DequantizeLinear', inputs: [x.name], outputs: ['output'], attributes: {} });
    return {
      name: 'mobilenet_v2',
      format: 'torch',
      // a file does not say what it was made for: torchvision's own are per tensor and select qnnpack
      engine: this.perChannel ? 'x86' : 'qnnpack',
      nodes: this.nodes,
      inputs: [{ name: 'input', type: 'float32', shape: [DYNAMIC, this.inputChannels, IMAGE_SIZE, IMAGE_SIZE] }],
      outputs: ['output'],
      constants: this.constants,
      tensors: this.tensors,
    };
  }

  /** Registers `<name>.weight` and `<name>.bias`. */
  private parameters(name: string, weight: QuantizedWeight, bias: Float32Array): [string, string] {
    const names: [string, string] = [`${name}.weight`, `${name}.bias`];
    this.perChannel ||= weight.quantization.axis !== undefined;
    this.constants.set(names[0], { name: names[0], type: 'int8', ...weight });
    this.constants.set(names[1], { name: names[1], type: 'float32', shape: [bias.length], data: bias });
    return names;
  }

  private node(op: string, inputs: string[], output: Activation, attributes: Attributes = {}): Activation {
    const { name, quantization } = output;
    this.nodes.push({ name, op, inputs, outputs: [name], attributes });
    this.tensors.set(name, { name, type: 'uint8', quantization });
    return output;
  }
}
