import type { Random } from '../../models/random.ts';
import type { TfliteModel, TfliteOperator, TfliteTensor } from './tflite_file.ts';

export type ByteType = 'uint8' | 'int8';
type Shape = readonly number[];
/** An image, NHWC. */
export type Image = readonly [number, number, number, number];

export const SAME = 0;
export const VALID = 1;

const size = (shape: Shape): number => shape.reduce((product, d) => product * d, 1);
const ceil = (length: number, stride: number): number => Math.ceil(length / stride);

export interface Convolution {
  readonly channels?: number;
  /** [height, width] */
  readonly kernel?: readonly [number, number];
  readonly stride?: number | readonly [number, number];
  readonly dilation?: number;
  readonly padding?: number;
  /** Its number: 0 none, 1 RELU, 2 RELU_N1_TO_1, 3 RELU6. */
  readonly activation?: number;
  readonly bias?: boolean;
}

/** A quantized tensor. */
export type Activation = TfliteTensor & { readonly scale: readonly number[]; readonly zeroPoint: readonly number[] };

/** A .tflite network of 8 bits, drawn operator by operator. Its scales are such that values spread over their range. */
export class Draft {
  readonly random: Random;
  readonly type: ByteType;
  readonly #tensors: TfliteTensor[] = [];
  readonly #operators: TfliteOperator[] = [];
  readonly #inputs: string[] = [];

  constructor(random: Random, type: ByteType) {
    this.random = random;
    this.type = type;
  }

  /** The least value of the type. */
  get least(): number {
    return this.type === 'uint8' ? 0 : -128;
  }

  #named<T extends Omit<TfliteTensor, 'name'>>(kind: string, tensor: T): T & { name: string } {
    const named = { name: `${kind}${this.#tensors.length}`, ...tensor };
    this.#tensors.push(named);
    return named;
  }

  zeroPoint(): number {
    const { random, least } = this;
    return random.chance(0.3) ? least : least + random.integer(90, 170);
  }

  /** A tensor that an operator computes, by default of any quantization. */
  activation(shape: Shape, scale = this.random.scale(0.01, 0.1), zeroPoint = this.zeroPoint()): Activation {
    return this.#named('t', { type: this.type, shape, scale: [Math.fround(scale)], zeroPoint: [zeroPoint] });
  }

  /** One of another shape, quantized as another is. */
  like({ scale, zeroPoint }: Activation, shape: Shape): Activation {
    return this.activation(shape, scale[0]!, zeroPoint[0]!);
  }

  input(shape: Shape): Activation {
    const tensor = this.activation(shape);
    this.#inputs.push(tensor.name);
    return tensor;
  }

  /** A float32 input, quantized. */
  floatInput(shape: Shape): Activation {
    const tensor = this.#named('x', { type: 'float32', shape });
    this.#inputs.push(tensor.name);
    return this.node('QUANTIZE', [tensor], this.activation(shape));
  }

  ints(values: readonly number[], shape: Shape = [values.length]): TfliteTensor {
    return this.#named('i', { type: 'int32', shape, data: Int32Array.from(values) });
  }

  #bytes(count: number): Uint8Array | Int8Array {
    const values = Array.from({ length: count }, () => this.random.integer(1, 255));
    return this.type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values, (value) => value - 128);
  }

  /** A constant of any values. */
  constant(
    shape: Shape,
    { scale, zeroPoint }: Pick<Activation, 'scale' | 'zeroPoint'> = {
      scale: [this.random.scale(0.01, 0.1)],
      zeroPoint: [this.zeroPoint()],
    },
  ): Activation {
    return this.#named('c', { type: this.type, shape, scale, zeroPoint, data: this.#bytes(size(shape)) });
  }

  node<T extends TfliteTensor>(
    op: string,
    inputs: readonly (TfliteTensor | undefined)[],
    output: T,
    options: TfliteOperator['options'] = {},
  ): T {
    const names = inputs.map((tensor) => tensor?.name ?? '');
    this.#operators.push({ op, inputs: names, outputs: [output.name], options });
    return output;
  }

  /** Weights, of int8 often with a scale for each channel, and a bias; sums of `terms` products spread over the output's codes. */
  #weights(input: Activation, output: Activation, shape: Shape, axis: number, terms: number, bias: boolean) {
    const { random, type } = this;
    const channels = shape[axis]!;
    const typical = output.scale[0]! / (input.scale[0]! * 74 * Math.sqrt(terms));
    const isPerChannel = type === 'int8' && random.chance(0.8);
    const scale = Array.from({ length: isPerChannel ? channels : 1 }, () => random.scale(typical * 0.4, typical * 1.5));
    const zeroPoint = scale.map(() => (type === 'uint8' ? random.integer(100, 150) : 0));
    const along = isPerChannel ? { axis } : {};
    const weights = this.#named('w', { type, shape, ...along, scale, zeroPoint, data: this.#bytes(size(shape)) });
    if (!bias) return [weights];
    const units = scale.map((one) => Math.fround(one * input.scale[0]!));
    const data = Int32Array.from({ length: channels }, (_, channel) => {
      const unit = units[units.length === 1 ? 0 : channel]!;
      return Math.round((random.integer(-60, 60) * output.scale[0]!) / unit);
    });
    const named = { type: 'int32', shape: [channels], scale: units, zeroPoint: units.map(() => 0), data };
    return [weights, this.#named('b', named)];
  }

  /** What a window over an image leaves of its height and width, and the options that say so. */
  #window(input: TfliteTensor, { kernel = [1, 1], stride = 1, dilation = 1, padding = SAME }: Convolution) {
    const strides = typeof stride === 'number' ? [stride, stride] : stride;
    const sizes = [0, 1].map((axis) => {
      const length = input.shape[axis + 1]!;
      return ceil(padding === SAME ? length : length - dilation * (kernel[axis]! - 1), strides[axis]!);
    }) as [number, number];
    return { sizes, options: { padding, strideH: strides[0]!, strideW: strides[1]! } };
  }

  conv(input: Activation, own: Convolution): Activation {
    const { channels = input.shape[3]!, kernel = [1, 1], dilation = 1, activation = 0, bias = true } = own;
    const { sizes, options } = this.#window(input, own);
    const output = this.activation([input.shape[0]!, ...sizes, channels]);
    const depth = input.shape[3]!;
    const weights = this.#weights(input, output, [channels, ...kernel, depth], 0, size(kernel) * depth, bias);
    const dilations = { dilationHFactor: dilation, dilationWFactor: dilation };
    return this.node('CONV_2D', [input, ...weights], output, { ...options, ...dilations, fusedActivationFunction: activation }); // prettier-ignore
  }

  /** @param multiplier output channels for each of the input's */
  depthwise(input: Activation, { multiplier = 1, ...own }: Convolution & { readonly multiplier?: number }): Activation {
    const { kernel = [3, 3], dilation = 1, activation = 0, bias = true } = own;
    const { sizes, options } = this.#window(input, { ...own, kernel });
    const channels = input.shape[3]! * multiplier;
    const output = this.activation([input.shape[0]!, ...sizes, channels]);
    const weights = this.#weights(input, output, [1, ...kernel, channels], 3, size(kernel), bias);
    const others = { depthMultiplier: multiplier, dilationHFactor: dilation, dilationWFactor: dilation };
    return this.node('DEPTHWISE_CONV_2D', [input, ...weights], output, { ...options, ...others, fusedActivationFunction: activation }); // prettier-ignore
  }

  /** Of SAME padding, to `stride` times the size. */
  transposeConv(
    input: Activation,
    { channels = input.shape[3]!, kernel = [3, 3], stride = 2, bias = true }: Convolution,
  ) {
    const [batch, height, width, depth] = input.shape as Image;
    const by = Number(stride);
    const output = this.activation([batch, height * by, width * by, channels]);
    const [weights, ...biases] = this.#weights(
      input,
      output,
      [channels, ...kernel, depth],
      0,
      size(kernel) * depth,
      bias,
    );
    const inputs = [this.ints(output.shape), weights, input, ...biases];
    return this.node('TRANSPOSE_CONV', inputs, output, { padding: SAME, strideH: by, strideW: by });
  }

  /** Of the last dimension, which is all that there is but the batch where `flat` is given. */
  dense(input: Activation, units: number, { activation = 0, flat = true } = {}): Activation {
    const depth = flat ? size(input.shape.slice(1)) : input.shape.at(-1)!;
    const output = this.activation(flat ? [input.shape[0]!, units] : [...input.shape.slice(0, -1), units]);
    const weights = this.#weights(input, output, [units, depth], 0, depth, true);
    const options = { fusedActivationFunction: activation, keepNumDims: !flat };
    return this.node('FULLY_CONNECTED', [input, ...weights], output, options);
  }

  pool(op: 'AVERAGE_POOL_2D' | 'MAX_POOL_2D', input: Activation, own: Convolution): Activation {
    const { kernel = [2, 2], activation = 0 } = own;
    const { sizes, options } = this.#window(input, own);
    const output = this.like(input, [input.shape[0]!, ...sizes, input.shape[3]!]);
    const window = { filterHeight: kernel[0], filterWidth: kernel[1], fusedActivationFunction: activation };
    return this.node(op, [input], output, { ...options, ...window });
  }

  /** Of a quantization of its own. */
  add(a: Activation, b: Activation, activation = 0): Activation {
    const output = this.activation(a.shape, Math.max(a.scale[0]!, b.scale[0]!) * this.random.scale(0.8, 1.5));
    return this.node('ADD', [a, b], output, { fusedActivationFunction: activation });
  }

  reshape(input: Activation, shape: Shape): Activation {
    return this.node('RESHAPE', [input, this.ints(shape)], this.like(input, shape), { newShape: shape });
  }

  softmax(input: Activation): Activation {
    return this.node('SOFTMAX', [input], this.activation(input.shape, 1 / 256, this.least), { beta: 1 });
  }

  dequantize(input: Activation): TfliteTensor {
    return this.node('DEQUANTIZE', [input], this.#named('y', { type: 'float32', shape: input.shape }));
  }

  /** @param outputs of which nothing else is made, where there are none given */
  model(outputs?: readonly TfliteTensor[]): TfliteModel {
    const used = new Set(this.#operators.flatMap(({ inputs }) => inputs));
    const computed = this.#operators.map(({ outputs: [name] }) => name!);
    return {
      tensors: this.#tensors,
      operators: this.#operators,
      inputs: this.#inputs,
      outputs: outputs?.map(({ name }) => name) ?? computed.filter((name) => !used.has(name)),
    };
  }
}
