import { InvalidInputError } from '../../src/errors.ts';
import {
  byteRange,
  elementCount,
  newElementData,
  ofChannel,
  type Constant,
  type Graph,
  type GraphNode,
  type Quantization,
  type QuantizedType,
  type TensorInfo,
} from '../../src/graph/graph.ts';
import type { LinearLayer } from '../../src/engines/engine.ts';
import { findEngine } from '../../src/engines/index.ts';
import { Tensor } from '../../src/tensor.ts';
import { bytes, channelCount, FILLS, graphOf, someScale, whole, zeroPoint, type ByteType } from './draw.ts';
import type { Case, Unnamed } from './case.ts';
import type { OnnxForm } from './onnx.ts';
import { byteOperatorKinds } from './operators.ts';
import { tfliteOperatorKinds } from './tflite_operators.ts';
import { Random } from '../../models/random.ts';

/** What the engines' own formats can say: PyTorch has uint8 activations, signed weights without zero points, float biases. */
export interface Dialect {
  readonly torch: boolean;
  /** int8 weights have no zero point where sums of them saturate: with one, what the sums are is not known. */
  readonly symmetric: boolean;
  /** Pairs of products of the least values wrap, which random ones seldom are. */
  readonly wraps: boolean;
}

const PLAIN: LinearLayer = {
  op: 'conv',
  input: { type: 'uint8', scale: 1, zeroPoint: 0 },
  output: { type: 'uint8', scale: 1, zeroPoint: 0 },
  weightScale: Float32Array.of(1),
  weightType: 'int8',
  weightZeroPoint: Int32Array.of(0),
  relu: false,
  inputChannels: 1,
  outputChannels: 1,
  groups: 1,
  kernel: [1, 1],
  pads: [0, 0, 0, 0],
};

export function dialectOf(name: string): Dialect {
  const engine = findEngine(name);
  const torch = engine.family === 'pytorch';
  const depthwise = engine.accumulation({
    ...PLAIN,
    inputChannels: 16,
    outputChannels: 16,
    groups: 16,
    kernel: [3, 3],
  });
  return {
    torch,
    symmetric: torch || engine.accumulation(PLAIN) !== 'exact',
    wraps: depthwise !== 'exact' && depthwise.overflow === 'wraps',
  };
}

/**
 * What a convolution or a fully connected layer goes to the end of: sums that lie exactly between two codes, sums
 * of 2^24 and more, channels that lie wholly beyond one end of the output's range, windows that hang over the border.
 */
const EXTREMES = ['none', 'ties', 'large sums', 'saturation', 'padding', 'none'] as const;
/** And, where pairs wrap, weights and inputs that are mostly the least of their types. */
type Extreme = (typeof EXTREMES)[number] | 'pairs';

interface Geometry {
  readonly groups: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly kernel: readonly [number, number];
  /** Padding that keeps the size; otherwise any. */
  readonly samePads?: boolean;
}

function geometry(random: Random, { wraps }: Dialect): Geometry {
  if (wraps && random.chance(0.1))
    return {
      groups: 1,
      inputChannels: random.pick([64, 72, 80]),
      outputChannels: random.pick([8, 16, 20]),
      kernel: random.pick([
        [1, 2],
        [2, 2],
        [3, 3],
      ]),
    };
  const kernel: [number, number] = random.pick([
    [1, 1],
    [1, 1],
    [3, 3],
    [3, 3],
    [5, 5],
    [2, 3],
    [1, 4],
  ]);
  const kind = random.pick(['plain', wraps ? 'depthwise' : 'plain', 'depthwise', 'grouped'] as const);
  if (kind === 'depthwise' && random.chance(0.5)) {
    // what engines have fast kernels for
    const channels = 8 * (random.chance(0.4) ? random.integer(13, 20) : random.integer(1, 6));
    const size = random.pick([3, 3, 5]);
    return {
      groups: channels,
      inputChannels: channels,
      outputChannels: channels,
      kernel: [size, size],
      samePads: true,
    };
  }
  if (kind === 'depthwise') {
    const channels = channelCount(random);
    return { groups: channels, inputChannels: channels, outputChannels: channels, kernel };
  }
  const groups = kind === 'grouped' ? random.integer(2, 5) : 1;
  return {
    groups,
    inputChannels: (kind === 'grouped' ? random.integer(1, 9) : channelCount(random)) * groups,
    outputChannels: (kind === 'grouped' ? random.integer(1, 9) : channelCount(random)) * groups,
    kernel,
  };
}

export function weightsAndScales(
  random: Random,
  dialect: Dialect,
  shape: readonly number[],
  inputType: ByteType,
  extreme: Extreme,
) {
  const ties = extreme === 'ties';
  const [channels] = shape as [number];
  const perChannel = random.chance(0.5);
  // onnxruntime has no kernel for int8 activations with uint8 weights
  const type: ByteType = dialect.torch || inputType === 'int8' || random.chance(0.6) ? 'int8' : 'uint8';
  const [min, max] = byteRange(type);
  const count = perChannel ? channels : 1;
  const isSymmetric = dialect.symmetric || perChannel || (extreme === 'pairs' && random.chance(0.7));
  const zeros = type === 'int8' && isSymmetric;
  const quantization: Quantization = {
    scale: Float32Array.from({ length: count }, () => someScale(random, ties ? 1 : 0.3) / 16),
    zeroPoint: Int32Array.from({ length: count }, () => (zeros ? 0 : zeroPoint(random, type))),
    ...(perChannel ? { axis: 0 } : {}),
  };
  const data = newElementData(type, elementCount(shape));
  // small sums, so that many of them lie between two codes and not beyond all
  const style = ties
    ? 'small'
    : extreme === 'pairs'
      ? 'least'
      : random.pick(['random', 'random', 'extreme', 'small'] as const);
  for (let i = 0; i < data.length; i++) {
    if (style === 'least') data[i] = random.chance(0.8) ? min : random.integer(min, max);
    else if (style === 'extreme') data[i] = random.chance(0.8) ? max : min;
    else if (style === 'small') data[i] = Math.max(min, quantization.zeroPoint[0]! - 2) + random.integer(0, 4);
    else data[i] = random.integer(min, max);
  }
  const weight: Constant = { name: 'w', type, shape, data, quantization };
  return weight;
}

/**
 * The output's scale: such that values spread over the range (one standard deviation of a random sum is
 * tens of codes), or far too small or large, so that they saturate or vanish.
 */
export function outputQuantization(random: Random, type: ByteType, spread: number, ties: boolean): QuantizedType {
  const scale =
    ties || random.chance(0.25) ? 2 ** Math.round(Math.log2(spread / 40)) : (spread / 40) * random.scale(0.3, 3);
  const quantization = whole(
    Math.fround(!ties && random.chance(0.1) ? scale * random.pick([0.01, 30]) : scale),
    zeroPoint(random, type),
  );
  return { name: 'y', type, quantization };
}

/** An int32 that leaves room for the sum of products. */
const LARGEST_BIAS = 2 ** 30;

export function bias(
  random: Random,
  dialect: Dialect,
  weight: Constant,
  channels: number,
  sx: number,
  spread: number,
  extreme: Extreme,
): Constant[] {
  const needed = extreme === 'large sums' || extreme === 'saturation';
  if (!dialect.torch && !needed && random.chance(0.3)) return [];
  const { scale } = weight.quantization!;
  const unit = (channel: number): number => sx * ofChannel(scale, channel);
  const sums = Array.from({ length: channels }, (_, i) => {
    const sum = ((random.unit() - 0.5) * 2 * spread) / unit(i);
    return Math.min(Math.max(sum, -LARGEST_BIAS), LARGEST_BIAS);
  });
  if (dialect.torch)
    return [{ name: 'b', type: 'float32', shape: [channels], data: Float32Array.from(sums, (s, i) => s * unit(i)) }];
  return [{ name: 'b', type: 'int32', shape: [channels], data: Int32Array.from(sums, Math.round) }];
}

function linearCase(random: Random, engine: string, op: 'Conv' | 'Gemm', given: Extreme): Unnamed {
  const dialect = dialectOf(engine);
  const extreme = dialect.wraps && random.chance(0.4) ? 'pairs' : given;
  // onnxruntime has no kernel that turns one type into the other
  const type: ByteType = dialect.torch || random.chance(0.7) ? 'uint8' : 'int8';
  const batch = random.chance(0.7) ? 1 : random.integer(2, 5);
  // long sums pass 2^24 and need more than float32's precision
  const long = random.chance(0.1);
  const g: Geometry =
    op === 'Gemm' || long
      ? {
          groups: 1,
          inputChannels: long ? random.integer(1200, 2400) : channelCount(random) * 3,
          outputChannels: channelCount(random),
          kernel: [1, 1],
        }
      : geometry(random, dialect);
  const { kernel, groups, inputChannels, outputChannels } = g;
  const attributes: Record<string, number | number[]> = {};
  let inputShape = [batch, inputChannels];
  let weightShape = [outputChannels, inputChannels];
  let description = `${batch}x${inputChannels} -> ${outputChannels}`;
  if (op === 'Conv') {
    const dilations = random.chance(0.85) ? [1, 1] : [random.integer(1, 2), random.integer(1, 3)];
    const strides = random.chance(0.6) ? [1, 1] : [random.integer(1, 3), random.integer(1, 3)];
    const same = (k: number): number => (k - 1) >> 1;
    const keep = [same(kernel[0]), same(kernel[1]), same(kernel[0]), same(kernel[1])];
    const anyPads = random.pick([
      [0, 0, 0, 0],
      keep,
      keep,
      [0, 0, 1, 1],
      [random.integer(0, 2), random.integer(0, 2), random.integer(0, 2), random.integer(0, 2)],
    ]);
    const wide = Array.from({ length: 4 }, () => random.integer(1, 3));
    const pads = extreme === 'padding' ? wide : g.samePads ? keep : anyPads;
    const least = (axis: 0 | 1): number =>
      Math.max(1, dilations[axis]! * (kernel[axis] - 1) + 1 - pads[axis]! - pads[axis + 2]!);
    const size = (axis: 0 | 1): number =>
      Math.max(least(axis), long ? 1 : random.integer(1, random.chance(axis === 1 ? 0.35 : 0.15) ? 33 : 9));
    inputShape = [batch, inputChannels, size(0), size(1)];
    weightShape = [outputChannels, inputChannels / groups, ...kernel];
    Object.assign(attributes, { dilations, strides, pads, group: groups, kernel_shape: [...kernel] });
    description =
      `${inputShape.join('x')} -> ${outputChannels}, kernel ${kernel.join('x')}, stride ${strides.join('x')}, ` +
      `pads ${pads.join(',')}, dilation ${dilations.join('x')}, groups ${groups}`;
  } else attributes['transB'] = 1;
  if (dialect.torch && random.chance(0.4)) attributes['relu'] = 1;
  const ties = extreme === 'ties';
  const sx = someScale(random, ties ? 1 : 0.3);
  const zx = extreme === 'pairs' ? byteRange(type)[0] : zeroPoint(random, type);
  const weight = weightsAndScales(random, dialect, weightShape, type, extreme);
  const sw = weight.quantization!.scale[0]!;
  const most = sx * sw * (ties ? 74 * 1.4 : 74 * 74) * Math.sqrt(elementCount(weightShape) / outputChannels);
  const spread = extreme === 'large sums' ? Math.max(most, sx * sw * 2 ** random.integer(24, 30)) : most;
  const fill = extreme === 'pairs' ? random.pick(['least', 'sparse', 'random'] as const) : random.pick(FILLS);
  const feed = bytes(random, type, inputShape, fill, zx);
  const input: TensorInfo = { name: 'x', type, shape: inputShape, quantization: whole(sx, zx) };
  const biases = bias(random, dialect, weight, outputChannels, sx, spread, extreme);
  const output = outputQuantization(random, type, extreme === 'saturation' ? spread / 100 : spread, ties);
  const scales = weight.quantization!.scale.length > 1 ? 'per channel' : 'per tensor';
  return {
    description:
      `${op} ${type} ${description}, ${weight.type} weights ${scales}, ${fill}` +
      (extreme === 'none' ? '' : `, ${extreme}`),
    graph: graphOf(engine, op, [input], output, [weight, ...biases], attributes),
    feeds: { x: feed },
  };
}

function addCase(random: Random, engine: string): Unnamed {
  const dialect = dialectOf(engine);
  const type = (): ByteType => (dialect.torch || random.chance(0.8) ? 'uint8' : 'int8');
  const [typeA, typeB, typeY] =
    dialect.torch || random.chance(0.7) ? ([type(), 'uint8', 'uint8'] as const) : (['int8', 'int8', 'int8'] as const);
  const sameType = typeA === typeB ? typeA : 'uint8';
  // every pair of bytes, or an odd number of elements
  const all = random.chance(0.5);
  const shape = all
    ? [1, 16, 64, 64]
    : [random.integer(1, 3), random.integer(1, 70), random.integer(1, 9), random.integer(1, 9)];
  const elements = elementCount(shape);
  const [min] = byteRange(sameType);
  const a = newElementData(sameType, elements);
  const b = newElementData(typeB, elements);
  const offset = random.integer(0, 65535);
  for (let i = 0; i < elements; i++) {
    const pair = all ? i : (offset + i * 40503) % 65536;
    a[i] = (pair >> 8) + min;
    b[i] = (pair & 255) + byteRange(typeB)[0];
  }
  const sa = someScale(random);
  // scales in simple ratios, and no zero point that would round them away: exact sums lie between two codes, and an
  // engine's own roundings decide
  const simple = random.chance(0.4);
  const ratio = (): number => random.pick([0.25, 0.5, 1, 1.5, 2, 3, 6, 10]);
  const sb = simple ? Math.fround(sa * ratio()) : random.chance(0.2) ? random.scale(1e-4, 100) : someScale(random);
  const input = (name: string, t: ByteType, scale: number): TensorInfo => ({
    name,
    type: t,
    shape,
    quantization: whole(scale, zeroPoint(random, t)),
  });
  const output: QuantizedType = {
    name: 'y',
    type: typeY,
    quantization: whole(
      Math.fround(simple ? sa * ratio() : random.chance(0.3) ? Math.max(sa, sb) : (sa + sb) * random.scale(0.2, 1.5)),
      simple ? 0 : zeroPoint(random, typeY),
    ),
  };
  // a ReLU that leaves one value is no add of qnnpack's
  const attributes = dialect.torch && random.chance(0.4) && output.quantization.zeroPoint[0] !== 255 ? { relu: 1 } : {};
  return {
    description: `Add ${typeA} ${shape.join('x')}`,
    graph: graphOf(engine, 'Add', [input('a', sameType, sa), input('b', typeB, sb)], output, [], attributes),
    feeds: { a: new Tensor(sameType, a, shape), b: new Tensor(typeB, b, shape) },
  };
}

function poolCase(random: Random, engine: string): Unnamed {
  const dialect = dialectOf(engine);
  const type: ByteType = dialect.torch || random.chance(0.7) ? 'uint8' : 'int8';
  const shape = [random.integer(1, 3), channelCount(random), random.integer(1, 14), random.integer(1, 14)];
  const quantization = whole(someScale(random), zeroPoint(random, type));
  const output: QuantizedType = {
    name: 'y',
    type,
    // PyTorch's adaptive pool keeps its input's quantization
    quantization: dialect.torch ? quantization : whole(someScale(random), zeroPoint(random, type)),
  };
  const fill = random.pick(FILLS);
  return {
    description: `GlobalAveragePool ${type} ${shape.join('x')}, ${fill}`,
    graph: graphOf(engine, 'GlobalAveragePool', [{ name: 'x', type, shape, quantization }], output),
    feeds: { x: bytes(random, type, shape, fill, quantization.zeroPoint[0]!) },
  };
}

function quantizeCase(random: Random, engine: string): Unnamed {
  const type: ByteType = dialectOf(engine).torch || random.chance(0.6) ? 'uint8' : 'int8';
  const shape = [random.integer(1, 2), random.integer(1, 9), random.integer(1, 9), random.integer(1, 9)];
  const scale = Math.fround(someScale(random));
  const data = Float32Array.from({ length: elementCount(shape) }, (_, i) => {
    const special = [0, -0, Infinity, -Infinity, 1e-45, -1e-45, 3.4e38, -3.4e38][i % 40];
    // exactly between two codes, and one float to either side
    if (special === undefined && random.chance(0.5)) {
      const tie = Math.fround((random.integer(-300, 300) + 0.5) * scale);
      return tie * (1 + random.integer(-1, 1) * 2 ** -23);
    }
    return special ?? (random.unit() - 0.5) * scale * 600;
  });
  const output: QuantizedType = { name: 'y', type, quantization: whole(scale, zeroPoint(random, type)) };
  return {
    description: `QuantizeLinear to ${type} ${shape.join('x')}`,
    graph: graphOf(engine, 'QuantizeLinear', [{ name: 'x', type: 'float32', shape }], output),
    feeds: { x: new Tensor('float32', data, shape) },
  };
}

function dequantizeCase(random: Random, engine: string): Unnamed {
  const type: ByteType = dialectOf(engine).torch || random.chance(0.6) ? 'uint8' : 'int8';
  const shape = [random.integer(1, 3), random.integer(1, 300)];
  const quantization = whole(someScale(random), zeroPoint(random, type));
  return {
    description: `DequantizeLinear from ${type} ${shape.join('x')}`,
    graph: graphOf(engine, 'DequantizeLinear', [{ name: 'x', type, shape, quantization }]),
    feeds: { x: bytes(random, type, shape, 'random', 0) },
  };
}

/** Any float32 but NaN, by its bits; and neighbours of the first operand, so that sums cancel. */
function floatAddCase(random: Random, engine: string): Unnamed {
  const shape = [random.integer(1, 2), random.integer(1, 40), random.integer(1, 7), random.integer(1, 7)];
  const count = elementCount(shape);
  const bits = new Uint32Array(2 * count);
  for (let i = 0; i < count; i++) {
    const near = random.chance(0.3);
    const exponent = near ? random.integer(100, 150) : random.integer(0, 253);
    bits[i] = (random.integer(0, 1) * 2 ** 31 + exponent * 2 ** 23 + random.integer(0, 2 ** 23 - 1)) >>> 0;
    const other = near ? Math.max(0, exponent + random.integer(-26, 26)) : random.pick([0, random.integer(0, 253)]);
    const mantissa = random.pick([0, 1, 2 ** 22, 2 ** 23 - 1, bits[i]! % 2 ** 23, random.integer(0, 2 ** 23 - 1)]);
    bits[count + i] = (random.integer(0, 1) * 2 ** 31 + other * 2 ** 23 + mantissa) >>> 0;
  }
  const floats = new Float32Array(bits.buffer);
  const info = (name: string): TensorInfo => ({ name, type: 'float32', shape });
  return {
    description: `Add float32 ${shape.join('x')}`,
    graph: graphOf(engine, 'Add', [info('a'), info('b')]),
    feeds: {
      a: new Tensor('float32', floats.slice(0, count), shape),
      b: new Tensor('float32', floats.slice(count), shape),
    },
  };
}

/** A fully connected layer whose result stays float32: sometimes a subnormal one, or an infinity. */
function floatGemmCase(random: Random, engine: string, index: number): Unnamed {
  const made = linearCase(random, engine, 'Gemm', EXTREMES[index % EXTREMES.length]!);
  const [x] = made.graph.inputs as [TensorInfo];
  const scale = random.pick([x.quantization!.scale[0]!, random.scale(1e-42, 1e-38), random.scale(1e32, 1e38)]);
  const input = { ...x, quantization: whole(Math.fround(scale), x.quantization!.zeroPoint[0]!) };
  return {
    ...made,
    description: `${made.description}, of scale ${scale} to float32`,
    graph: { ...made.graph, inputs: [input], tensors: new Map() },
  };
}

/** Between DQ and Q all activations have one type, which of products is uint8, or the engine leaves the operator in float, but for
 * one with kernels of int8. */
export function formOf({ engine, nodes, inputs, tensors }: Graph, index: number): OnnxForm {
  const [{ op }] = nodes as [GraphNode];
  const types = new Set([...inputs, ...tensors.values()].map(({ type }) => type));
  const takesInt8 = findEngine(engine).rewrite === 'onnxruntime-int8' || (op !== 'Conv' && op !== 'Gemm');
  const fuses = types.size === 1 && (types.has('uint8') || takesInt8);
  return !op.endsWith('Linear') && fuses && index % 3 === 0 ? 'qdq' : 'qoperator';
}

/** Case `index` of a seed for an engine. */
export function generateCase(engine: string, seed: number, index: number): Case {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const linear = (op: 'Conv' | 'Gemm') => () => {
    const round = Math.floor(index / kinds.length);
    return linearCase(random, engine, op, EXTREMES[(index + round) % EXTREMES.length]!);
  };
  // they take turns in one place, so that most cases are layers with sums
  const others = [
    () => floatAddCase(random, engine),
    ...byteOperatorKinds(random, engine),
    ...(findEngine(engine).family === 'onnxruntime' ? [() => floatGemmCase(random, engine, index)] : []),
  ];
  const kinds: (() => Unnamed)[] = [
    ...Array.from({ length: 12 }, () => linear('Conv')),
    ...Array.from({ length: 3 }, () => linear('Gemm')),
    () => addCase(random, engine),
    () => poolCase(random, engine),
    () => quantizeCase(random, engine),
    () => dequantizeCase(random, engine),
    ...(dialectOf(engine).torch ? [] : [() => others[Math.floor(index / kinds.length) % others.length]!()]),
    ...tfliteOperatorKinds(random, engine),
  ];
  const made = kinds[index % kinds.length]!();
  return { id: `${engine}/${seed}/${index}`, form: formOf(made.graph, index), ...made };
}

/** The place of a case: what its id says. @throws InvalidInputError where it says none */
export function parseCaseId(id: string): {
  readonly engine: string;
  readonly seed: number;
  readonly index: number;
  readonly atBoundaries: boolean;
} {
  const [, engine, at, seed, index] = /^([^/]+)\/(at-boundaries\/)?(\d{1,9})\/(\d{1,9})$/.exec(id) ?? [];
  if (engine === undefined)
    throw new InvalidInputError(`no case '${id}'; a case is ENGINE/SEED/INDEX, such as onnxruntime/1/0`);
  return { engine, seed: Number(seed), index: Number(index), atBoundaries: at !== undefined };
}
