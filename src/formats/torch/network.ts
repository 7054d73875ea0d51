import { UnsupportedModelError } from '../../errors.ts';
import { DYNAMIC, type Graph, type Quantization } from '../../graph/graph.ts';
import { describe, type PickleValue } from './pickle.ts';
import { Call } from './script/call.ts';
import { Draft, type OwnConstant } from './script/draft.ts';
import { OPERATORS } from './script/operators.ts';
import { Activation } from './script/values.ts';
import type { StateDict } from './state_dict.ts';
import { ANY, type QuantizedWeight } from './tensor_reader.ts';

interface ConvOptions {
  readonly relu?: boolean;
  /** In both directions. Default: 1. */
  readonly stride?: number;
  /** Of height and width. Default: as the file says. */
  readonly kernel?: number;
  /** Without padding; else as much as keeps height and width. */
  readonly valid?: boolean;
  /** Input channels of a group. Default: all of them. */
  readonly perGroup?: number | typeof ANY;
}

/** A network whose layers' parameters are in a state_dict, built operator by operator as its PyTorch code runs them. */
export class Network {
  readonly dict: StateDict;
  readonly #draft = new Draft();
  readonly #input = new Activation([undefined, undefined, undefined, undefined], undefined, 'contiguous');

  constructor(dict: StateDict) {
    this.dict = dict;
  }

  /** The quantized picture, of as many channels as the first convolution takes. */
  input(first: string): Activation {
    this.#draft.inputChannels = this.dict.weight(`${first}.weight`, [ANY, ANY, ANY, ANY]).shape[1]!;
    const quantization = this.dict.activation('quant');
    const dims = [undefined, this.#draft.inputChannels, undefined, undefined];
    const y = new Activation(dims, quantization, 'contiguous');
    return this.#add('quant', 'QuantizeLinear', [this.#input], y);
  }

  conv(name: string, x: Activation, options: ConvOptions = {}): Activation {
    const { relu = false, stride = 1, valid = false, kernel = ANY, perGroup = x.dims[1]! } = options;
    const key = `${name}.weight`;
    const weight = this.dict.weight(key, [perGroup === 1 ? x.dims[1]! : ANY, perGroup, kernel, kernel]);
    const [channels, inGroup, height, width] = weight.shape as [number, number, number, number];
    const group = x.dims[1]! / inGroup;
    if (!Number.isInteger(group))
      throw new UnsupportedModelError(`'${key}': groups of ${inGroup} channels of ${x.dims[1]}; supported: equal ones`);
    const pads = valid ? [0, 0] : [(height - 1) / 2, (width - 1) / 2];
    const dims = [x.dims[0], channels, undefined, undefined];
    const y = new Activation(dims, this.dict.activation(name), 'channels_last');
    const operands = this.#parameters(weight, this.dict.floats(`${name}.bias`, channels));
    return this.#add(name, 'Conv', [x, ...operands], y, {
      kernel_shape: [height, width],
      strides: [stride, stride],
      pads: [...pads, ...pads],
      dilations: [1, 1],
      group,
      relu: Number(relu),
    });
  }

  linear(name: string, x: Activation): Activation {
    const [weightKey, weightValue, biasKey, biasValue] = this.#linearParameters(name);
    const weight = this.dict.weight(weightKey, [ANY, x.dims[1]!], weightValue);
    const channels = weight.shape[0]!;
    const operands = this.#parameters(weight, this.dict.floats(biasKey, channels, biasValue));
    const y = new Activation([x.dims[0], channels], this.dict.activation(name), 'contiguous');
    return this.#add(name, 'Gemm', [x, ...operands], y, { transB: 1, relu: 0 });
  }

  /** Where a linear layer's parameters are: a tuple since PyTorch 1.5, two entries before, under one of two names. */
  #linearParameters(name: string) {
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

  #parameters(weight: QuantizedWeight, bias: Float32Array): OwnConstant[] {
    return [
      { suffix: 'weight', type: 'int8', ...weight },
      { suffix: 'bias', type: 'float32', shape: [bias.length], data: bias },
    ];
  }

  /**
   * An operator of PyTorch's, by its name in code.
   *
   * @param name of the module that returns the tensor; where it ends in a dot, of the module in whose code the operator is
   */
  call(operator: string, args: readonly PickleValue[], name = ''): PickleValue {
    const isWithin = name.endsWith('.');
    const scope = isWithin ? name.slice(0, -1) : name;
    const call = new Call(operator, args, new Map(), name, this.#draft, this.dict.tensors, scope);
    const result = OPERATORS[operator]!(call);
    if (result instanceof Activation && name !== '' && !isWithin) this.#draft.name(result, name);
    return result;
  }

  /** The same, of an operator that gives a tensor. */
  op(operator: string, args: readonly PickleValue[], name?: string): Activation {
    return this.call(operator, args, name) as Activation;
  }

  /** The same, of a module whose output has a quantization of its own in the state_dict. */
  quantized(operator: string, args: readonly PickleValue[], name: string): Activation {
    const { scale, zeroPoint }: Quantization = this.dict.activation(name);
    return this.op(`ops.quantized.${operator}`, [...args, scale[0]!, zeroPoint[0]!], name);
  }

  /** @param size height and width of the pictures that it was trained with */
  finish(name: string, x: Activation, size: number): Graph {
    this.dict.requireAllUsed(name);
    const output = this.op('torch.dequantize', [x]);
    return this.#draft.finish(name, this.#input, [output], [DYNAMIC, DYNAMIC, size, size]);
  }

  #add(name: string, op: string, inputs: Parameters<Draft['add']>[1], y: Activation, attributes = {}): Activation {
    this.#draft.add(op, inputs, y, attributes, name);
    this.#draft.name(y, name);
    return y;
  }
}
