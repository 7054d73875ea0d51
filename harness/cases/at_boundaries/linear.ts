import { byteRange, elementCount, newElementData, ofChannel, type Constant } from '../../../src/graph/graph.ts';
import { contextOf, inferGraph, linearOf } from '../../../src/layers/infer.ts';
import type { ByteLinear } from '../../../src/layers/layer.ts';
import { referenceTrace } from '../../../src/plan/reference.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import type { Random } from '../../../models/random.ts';
import { bytes, graphOf, zeroPoint, type ByteType } from '../draw.ts';
import { dialectOf, type Dialect } from '../generate.ts';
import type { Unnamed } from '../case.ts';
import { beside, firstChange, firstFloat, quantizationOf, scales, steps, stored } from './near.ts';

/** Few shapes, so that cases share pipelines: enough for every kernel and for what engines distinguish. */
interface Shape {
  readonly op: 'Conv' | 'Gemm';
  /** NCHW, or NC. */
  readonly input: readonly number[];
  /** OIHW, or OI. */
  readonly weight: readonly number[];
  readonly groups?: number;
  readonly pad?: number;
}

const SHAPES: readonly Shape[] = [
  { op: 'Conv', input: [1, 6, 2, 8], weight: [64, 6, 1, 1] },
  { op: 'Gemm', input: [8, 6], weight: [64, 6] },
  { op: 'Conv', input: [1, 16, 4, 4], weight: [32, 16, 1, 1] },
  { op: 'Gemm', input: [4, 33], weight: [48, 33] },
  { op: 'Conv', input: [1, 3, 5, 5], weight: [32, 3, 3, 3], pad: 1 },
  { op: 'Conv', input: [1, 32, 4, 4], weight: [32, 1, 3, 3], groups: 32, pad: 1 },
  { op: 'Conv', input: [1, 104, 3, 3], weight: [104, 1, 3, 3], groups: 104, pad: 1 },
  { op: 'Conv', input: [1, 12, 4, 4], weight: [18, 4, 3, 3], groups: 3 },
  // sums of 2^24 and more
  { op: 'Conv', input: [1, 2600, 1, 2], weight: [8, 2600, 1, 1] },
  { op: 'Gemm', input: [2, 2600], weight: [8, 2600] },
  // one channel, whose scale may be said per channel
  { op: 'Conv', input: [1, 6, 8, 8], weight: [1, 6, 1, 1] },
  { op: 'Gemm', input: [16, 6], weight: [1, 6] },
];

const LARGEST_BIAS = 2 ** 30;

/** @param pairs mostly the least value of the type */
function weightOf(
  random: Random,
  { op, weight: shape }: Shape,
  input: ByteType,
  dialect: Dialect,
  pairs: boolean,
): Constant {
  const { torch, symmetric } = dialect;
  const perChannel = random.chance(0.6);
  const count = perChannel ? shape[0]! : 1;
  const type: ByteType = torch || input === 'int8' || random.chance(0.7) ? 'int8' : 'uint8';
  // sums of many products grow where all have one sign
  const one = elementCount(shape.slice(1)) > 1000;
  const data = newElementData(type, elementCount(shape));
  const [least, most] = type === 'int8' ? [one ? 60 : -128, 127] : [one ? 190 : 0, 255];
  for (let i = 0; i < data.length; i++)
    data[i] = pairs && random.chance(0.8) ? byteRange(type)[0] : random.integer(least, most);
  const plain = perChannel || op === 'Gemm' || (symmetric && type === 'int8');
  const middle = type === 'int8' ? 0 : 128;
  return {
    name: 'w',
    type,
    shape,
    data,
    quantization: {
      scale: scales(
        Array.from({ length: count }, () => stored(random, random.scale(1e-4, 0.1), torch)),
        torch,
      ),
      zeroPoint: new Int32Array(count).fill(plain ? middle : zeroPoint(random, type)),
      ...(perChannel ? { axis: 0 } : {}),
    },
  };
}

/**
 * A convolution or a fully connected layer. In each channel one sum is taken, and the channel's bias or its weight scale
 * moved to where the engine's function steps at this sum, and a few steps beside. A bias that steps there is a tie of its
 * own quantization, where it has one.
 */
export function linearAtBoundaries(random: Random, engine: Engine): Unnamed {
  const dialect = dialectOf(engine.name);
  const pairs = dialect.wraps && random.chance(0.3);
  const { torch } = dialect;
  const shape = random.pick(SHAPES);
  const type: ByteType = torch || random.chance(0.7) ? 'uint8' : 'int8';
  const scale = stored(random, random.scale(0.002, 0.5), torch);
  const quantization = quantizationOf(scale, zeroPoint(random, type), torch);
  const input = { name: 'x', type, shape: shape.input, quantization };
  const weight = weightOf(random, shape, type, dialect, pairs);
  const channels = shape.weight[0]!;
  const bias: Constant & { data: Int32Array | Float32Array } = {
    name: 'b',
    type: torch ? 'float32' : 'int32',
    shape: [channels],
    data: torch ? new Float32Array(channels) : new Int32Array(channels),
  };
  const pad = shape.pad ?? 0;
  const attributes = {
    ...(shape.op === 'Conv'
      ? {
          group: shape.groups ?? 1,
          pads: [pad, pad, pad, pad],
          strides: [1, 1],
          dilations: [1, 1],
          kernel_shape: shape.weight.slice(2),
        }
      : { transB: 1 }),
    ...(torch && random.chance(0.4) ? { relu: 1 } : {}),
  };
  const x = bytes(random, type, shape.input, pairs ? 'least' : random.pick(['random', 'random', 'most']), 0);
  const output = { name: 'y', type, quantization: quantizationOf(1, 0, torch) };
  const graph = graphOf(engine.name, shape.op, [input], output, [weight, bias], attributes);
  const typed = inferGraph(graph, engine);
  const accumulators = referenceTrace({ graph: typed, engine }, { x }).tensors.at(-1)!.accumulators!;
  const [node] = typed.nodes as [(typeof typed.nodes)[number]];
  const context = contextOf(typed, typed.tensors, engine);

  // the output's scale: sums spread over the codes
  const [sx, sw] = [quantization.scale[0]!, weight.quantization!.scale];
  const spread = accumulators.reduce((most, sum) => Math.max(most, Math.abs(sum)), 1);
  // XNNPACK takes no scale of 256 and more, also where one is moved by 16
  const least = engine.family === 'tflite' ? (sx * Math.max(...sw)) / 15 : 0;
  const free = Math.max(f32((spread * (sx * sw[0]!)) / random.scale(20, 2000)), f32(least));
  output.quantization.scale[0] = stored(random, free, torch);
  output.quantization.zeroPoint[0] = zeroPoint(random, type);

  const linear = linearOf(node, context)!;
  const plane = accumulators.length / (shape.input[0]! * channels);
  for (let channel = 0; channel < channels; channel++) {
    const image = random.integer(0, shape.input[0]! - 1);
    const sum = accumulators[(image * channels + channel) * plane + random.integer(0, plane - 1)]!;
    const byScale = sw.length > 1 && random.chance(0.35);
    if (byScale) moveScale(random, engine, linear, channel, sum, torch);
    else moveBias(random, engine, linear, channel, sum);
  }
  const ofFloats = engine.family === 'onnxruntime' && type === 'uint8' && random.chance(0.4);
  const biases = ofFloats ? floatBias(random, linear) : bias.data;
  const made = { ...bias, type: ofFloats ? ('float32' as const) : bias.type, data: biases };
  return {
    description: `${shape.op} at boundaries, ${type} ${shape.input.join('x')}, ${weight.type} weights ${shape.weight.join('x')}, ${made.type} bias`,
    graph: graphOf(engine.name, shape.op, [input], output, [weight, made], attributes),
    feeds: { x },
    ...(torch ? {} : { form: ofFloats || (type === 'uint8' && random.chance(0.3)) ? 'qdq' : 'qoperator' }),
  };
}

/** The code to step at: any that the engine can give but the first. */
function wanted(random: Random, engine: Engine, { layer }: ByteLinear): number {
  const { min, max } = engine.linear(layer);
  return min === max ? max : random.integer(min + 1, max);
}

function moveBias(random: Random, engine: Engine, linear: ByteLinear, channel: number, sum: number): void {
  const { layer } = linear;
  const bias = layer.bias!;
  const target = wanted(random, engine, linear);
  const isAbove = (value: number): boolean => {
    bias[channel] = value;
    return engine.linear(layer).at(channel)(sum) >= target;
  };
  const unit = layer.input.scale * ofChannel(layer.weightScale, channel);
  const reach = Math.min((Math.abs(sum) + (300 * layer.output.scale) / unit) * 1.1 + 1, LARGEST_BIAS);
  const found =
    bias instanceof Int32Array
      ? firstChange(isAbove, -Math.ceil(reach), Math.ceil(reach))
      : firstFloat(isAbove, f32(-reach * unit), f32(reach * unit));
  const step = steps(random);
  bias[channel] = found === undefined ? 0 : bias instanceof Int32Array ? found + step : beside(found, step);
}

function moveScale(
  random: Random,
  engine: Engine,
  linear: ByteLinear,
  channel: number,
  sum: number,
  torch: boolean,
): void {
  const { layer } = linear;
  const scale = layer.weightScale;
  const own = f32(scale[channel]!);
  const code = (value: number): number => {
    scale[channel] = value;
    return engine.linear(layer).at(channel)(sum);
  };
  layer.bias![channel] = 0;
  const [low, high] = [f32(own / 16), f32(own * 16)];
  const [from, to] = [code(low), code(high)].sort((a, b) => a - b) as [number, number];
  const target = random.integer(from + 1, to);
  const found = from < to ? firstFloat((value) => code(value) >= target, low, high) : undefined;
  scale[channel] = stored(random, found === undefined ? own : beside(found, steps(random)), torch);
}

/** Float biases at and beside the ties at which they become the integers that were found. */
function floatBias(random: Random, { layer }: ByteLinear): Float32Array {
  return Float32Array.from(layer.bias!, (integer, channel) => {
    const scale = ofChannel(layer.weightScale, channel);
    const tie = f32((integer + random.pick([-0.5, 0.5])) * f32(layer.input.scale * scale));
    return beside(tie, steps(random));
  });
}
