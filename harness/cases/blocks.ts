import {
  elementCount,
  type Constant,
  type GraphNode,
  type QuantizedType,
  type TensorInfo,
} from '../../src/graph/graph.ts';
import { Tensor } from '../../src/tensor.ts';
import { bytes, channelCount, FILLS, someScale, whole, zeroPoint, type ByteType } from './draw.ts';
import { bias, dialectOf, outputQuantization, weightsAndScales } from './generate.ts';
import type { Case } from './case.ts';
import { Random } from '../../models/random.ts';

/** A chain of operators, each of one input tensor, with quantizations of its own. */
class Chain {
  readonly inputs: TensorInfo[] = [];
  readonly feeds: Record<string, Tensor> = {};
  readonly nodes: GraphNode[] = [];
  readonly constants = new Map<string, Constant>();
  readonly tensors = new Map<string, QuantizedType>();
  readonly #random: Random;
  readonly #engine: string;
  /** The last tensor: 8 bits, or float32 where it has no quantization. */
  last!: TensorInfo;

  constructor(random: Random, engine: string) {
    this.#random = random;
    this.#engine = engine;
  }

  byteType(): ByteType {
    return dialectOf(this.#engine).torch || this.#random.chance(0.7) ? 'uint8' : 'int8';
  }

  input(name: string, shape: readonly number[], type: ByteType | 'float32'): TensorInfo {
    const random = this.#random;
    const zero = type === 'float32' ? 0 : zeroPoint(random, type);
    const info: TensorInfo = {
      name,
      type,
      shape,
      ...(type !== 'float32' && { quantization: whole(someScale(random), zero) }),
    };
    this.inputs.push(info);
    this.feeds[name] =
      type === 'float32'
        ? new Tensor(
            type,
            Float32Array.from({ length: elementCount(shape) }, () => (random.unit() - 0.5) * 8),
            shape,
          )
        : bytes(random, type, shape, random.pick(FILLS), zero);
    this.last = info;
    return info;
  }

  node(
    op: string,
    inputs: readonly string[],
    output: Omit<TensorInfo, 'name'>,
    attributes: GraphNode['attributes'] = {},
  ): void {
    const name = `t${this.nodes.length}`;
    this.nodes.push({ name: `${op}${this.nodes.length}`, op, inputs, outputs: [name], attributes });
    const { type, quantization } = output;
    if (quantization && (type === 'uint8' || type === 'int8')) this.tensors.set(name, { name, type, quantization });
    this.last = { ...output, name };
  }

  conv(channels: number, groups: number, kernel: readonly [number, number], strides: number[], pads: number[]): void {
    const random = this.#random;
    const { type, shape, name, quantization } = this.last;
    const [batch, inputs, height, width] = shape as [number, number, number, number];
    const dialect = dialectOf(this.#engine);
    const id = this.nodes.length;
    const weight = weightsAndScales(random, dialect, [channels, inputs / groups, ...kernel], type as ByteType, 'none');
    const w = { ...weight, name: `w${id}` };
    const sx = quantization!.scale[0]!;
    const spread = sx * w.quantization!.scale[0]! * 74 * 74 * Math.sqrt((inputs / groups) * kernel[0] * kernel[1]);
    const b = bias(random, dialect, w, channels, sx, spread, 'none').map((constant) => ({
      ...constant,
      name: `b${id}`,
    }));
    for (const constant of [w, ...b]) this.constants.set(constant.name, constant);
    const size = (axis: 0 | 1, length: number): number =>
      Math.floor((length + pads[axis]! + pads[axis + 2]! - kernel[axis]) / strides[axis]!) + 1;
    const output = outputQuantization(random, this.byteType(), spread, false);
    this.node(
      'Conv',
      [name, ...[w, ...b].map((constant) => constant.name)],
      { ...output, shape: [batch, channels, size(0, height), size(1, width)] },
      { strides, pads, group: groups, ...(dialect.torch && random.chance(0.6) && { relu: 1 }) },
    );
  }

  quantize(): void {
    const type = this.byteType();
    const quantization = whole(this.#random.scale(0.01, 0.1), zeroPoint(this.#random, type));
    this.node('QuantizeLinear', [this.last.name], { type, shape: this.last.shape, quantization });
  }

  dequantize(): void {
    this.node('DequantizeLinear', [this.last.name], { type: 'float32', shape: this.last.shape });
  }

  /** An add of another tensor of the same shape, on either side; in float32 where the last tensor is. */
  add(other: TensorInfo): void {
    const random = this.#random;
    const { type, shape, quantization } = this.last;
    const names = random.chance(0.5) ? [this.last.name, other.name] : [other.name, this.last.name];
    if (type === 'float32') return this.node('Add', names, { type, shape });
    const [a, b] = [quantization!.scale[0]!, other.quantization!.scale[0]!];
    const scale = Math.fround((a + b) * random.scale(0.2, 1.5));
    this.node('Add', names, { type, shape, quantization: whole(scale, zeroPoint(random, type as ByteType)) });
  }

  pool(): void {
    const { type, shape, quantization } = this.last;
    const free = () => whole(quantization!.scale[0]! / 2, zeroPoint(this.#random, type as ByteType));
    this.node('GlobalAveragePool', [this.last.name], {
      type,
      shape: [shape[0]!, shape[1]!, 1, 1],
      quantization: dialectOf(this.#engine).torch ? quantization! : free(),
    });
  }
}

/** Padding that keeps the size at stride 1: [top, left, bottom, right]. */
function same([height, width]: readonly [number, number]): number[] {
  return [(height - 1) >> 1, (width - 1) >> 1, height >> 1, width >> 1];
}

const isSmall = ({ shape }: TensorInfo, least: number): boolean => Math.min(...shape.slice(2)) < least;

/** An inverted residual block, or something near it: what is fused, and what only looks like it. */
function block(chain: Chain, random: Random): void {
  const batch = random.chance(0.8) ? 1 : 2;
  const size = (): number => random.integer(1, random.chance(0.3) ? 33 : 12);
  const [channels, middle] = [channelCount(random), channelCount(random)];
  const input = chain.input('x', [batch, channels, size(), size()], random.chance(0.2) ? 'float32' : chain.byteType());
  if (input.type === 'float32') chain.quantize();
  const first = chain.last;
  const expansion = random.pick(['pointwise', 'pointwise', 'pointwise', 'window', 'none'] as const);
  if (expansion === 'pointwise') chain.conv(middle, 1, [1, 1], [1, 1], [0, 0, 0, 0]);
  if (expansion === 'window') {
    const stride = random.integer(1, 2);
    const pads = random.chance(0.5) || isSmall(chain.last, 3) ? [1, 1, 1, 1] : [0, 1, 1, 1];
    chain.conv(middle, 1, [3, 3], [stride, stride], pads);
  }
  const kernel: [number, number] = random.pick([
    [3, 3],
    [3, 3],
    [3, 3],
    [5, 5],
    [2, 3],
  ]);
  const depth = chain.last.shape[1]!;
  const stride = random.integer(1, 2);
  // a single channel has no groups: that convolution is no depthwise one, and nothing is fused
  const pads = isSmall(chain.last, 5) || random.chance(0.8) ? same(kernel) : [0, 0, 1, 1];
  chain.conv(depth, depth, kernel, [stride, random.chance(0.9) ? stride : 1], pads);
  const keeps = String([first.shape[2], first.shape[3]]) === String([chain.last.shape[2], chain.last.shape[3]]);
  const residual = keeps && random.chance(0.7);
  chain.conv(residual ? channels : channelCount(random), 1, [1, 1], [1, 1], [0, 0, 0, 0]);
  finish(chain, random, residual ? first : undefined);
}

/** What may follow a layer: an add of `trunk` or of another input, in 8 bits or in float32; a dequantize. */
function finish(chain: Chain, random: Random, trunk: TensorInfo | undefined): void {
  const result = chain.last;
  const other = trunk ?? (random.chance(0.3) ? chain.input('z', result.shape, chain.byteType()) : undefined);
  chain.last = result;
  if (other && random.chance(0.7)) chain.add(other);
  else if (other) {
    chain.last = other;
    chain.dequantize();
    const floats = chain.last;
    chain.last = result;
    chain.dequantize();
    chain.add(floats);
    return;
  }
  if (random.chance(0.2)) chain.dequantize();
}

/** A 1 by 1 convolution, the average of all its pixels, and what may follow. */
function pooled(chain: Chain, random: Random): void {
  const batch = random.integer(1, 3);
  chain.input('x', [batch, channelCount(random), random.integer(1, 12), random.integer(1, 12)], chain.byteType());
  chain.conv(channelCount(random), 1, [1, 1], [1, 1], [0, 0, 0, 0]);
  chain.pool();
  finish(chain, random, undefined);
}

/** Case `index` of a seed for an engine: several operators that a plan may fuse. */
export function generateBlock(engine: string, seed: number, index: number): Case {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0xc2b2ae35));
  const chain = new Chain(random, engine);
  if (index % 8 === 7) pooled(chain, random);
  else block(chain, random);
  const { inputs, feeds, nodes, constants, tensors } = chain;
  return {
    id: `${engine}/block/${seed}/${index}`,
    description: [`x ${inputs[0]!.type} ${inputs[0]!.shape.join('x')}`, ...nodes.map(({ op }) => op)].join(', '),
    form: 'qoperator',
    graph: { name: 'block', format: 'case', engine, nodes, inputs, outputs: [chain.last.name], constants, tensors },
    feeds,
  };
}
