import { elementCount, type Attributes, type Constant, type Quantization } from '../../src/graph/graph.ts';
import { findEngine } from '../../src/engines/index.ts';
import type { Random } from '../../models/random.ts';
import { Draw } from './operators.ts';
import { someScale, whole, zeroPoint } from './draw.ts';
import type { Unnamed } from './case.ts';

/** Ratios of scales, of which those of few bits make ties. */
const ratio = (random: Random): number =>
  random.chance(0.7) ? random.pick([0.25, 0.5, 0.75, 1, 1.5, 2, 3]) : random.scale(0.1, 8);

const scaled = (draw: Draw, scale: number): Quantization =>
  whole(Math.fround(scale), zeroPoint(draw.random, draw.type));

/** Flat tensors of every length from 1 to 80, which blocks of 8 and 16 leave something over from; or images. */
const shape = (draw: Draw): number[] =>
  draw.random.chance(0.6) ? [1, draw.random.integer(1, 80)] : [1, draw.random.integer(1, 40), ...draw.image().slice(2)];

const scaleOf = (draw: Draw, operand = 0): number => draw.inputs[operand]!.quantization!.scale[0]!;

/** What an activation leaves, of some of them. */
function clamp({ random, type }: Draw): Attributes {
  if (random.chance(0.6)) return {};
  const least = random.integer(type === 'uint8' ? 0 : -128, 0);
  return { clamp: [least, random.integer(least, 127)] };
}

function unary(draw: Draw): Unnamed {
  const { random } = draw;
  const op = random.pick([
    'Requantize',
    'Relu',
    'LeakyRelu',
    'Sigmoid',
    'Tanh',
    'HardSwish',
    'Abs',
    'Rescale',
    'Rsqrt',
  ]);
  draw.input(random.chance(0.5) ? [1, 256 + random.integer(0, 31)] : shape(draw), undefined, 'all');
  const output = {
    Sigmoid: (): Quantization => whole(1 / 256, draw.type === 'uint8' ? 0 : -128),
    Tanh: (): Quantization => whole(1 / 128, draw.type === 'uint8' ? 128 : 0),
    Rsqrt: () => scaled(draw, random.scale(0.05, 2) / Math.sqrt(scaleOf(draw))),
  }[op];
  const attributes = op === 'LeakyRelu' ? { alpha: Math.fround(ratio(random)) } : op === 'Relu' ? clamp(draw) : {};
  return draw.case(op, output?.() ?? scaled(draw, scaleOf(draw) * ratio(random)), attributes);
}

function pair(draw: Draw): Unnamed {
  const { random } = draw;
  const op = random.pick(['Add', 'Add', 'Sub', 'Mul', 'Maximum', 'Minimum', 'PRelu', 'SquaredDifference']);
  const own = shape(draw);
  const { quantization } = draw.input(own, undefined, 'all');
  const isChoice = op === 'Maximum' || op === 'Minimum';
  draw.input(own, isChoice ? quantization : scaled(draw, scaleOf(draw) * ratio(random)));
  const [a, b] = [scaleOf(draw), scaleOf(draw, 1)];
  const scale = { Mul: a * b * 64, PRelu: a, SquaredDifference: Math.max(a, b) ** 2 * 64 }[op] ?? Math.max(a, b);
  const activates = ['Add', 'Sub', 'Mul'].includes(op);
  return draw.case(op, isChoice ? quantization! : scaled(draw, scale * ratio(random)), activates ? clamp(draw) : {});
}

/** Of sums over height and width, of any number of channels. */
function reduction(draw: Draw): Unnamed {
  const { random } = draw;
  const op = random.pick(['ReduceMean', 'ReduceSum']);
  const [height, width] = [random.integer(1, 9), random.integer(1, 9)];
  draw.input([random.integer(1, 2), random.integer(1, 40), height, width]);
  const spread = op === 'ReduceSum' ? Math.sqrt(height * width) : 1;
  return draw.case(op, scaled(draw, scaleOf(draw) * spread * ratio(random)), {
    axes: [2, 3],
    keepdims: random.integer(0, 1),
  });
}

function average(draw: Draw): Unnamed {
  const { random } = draw;
  const { quantization } = draw.input(draw.image(4));
  const kernel = [random.integer(1, 4), random.integer(1, 4)];
  const window = { kernel_shape: kernel, strides: [random.integer(1, 3), random.integer(1, 3)] };
  return draw.case('AveragePool', quantization!, { ...window, ...clamp(draw) });
}

function softmax(draw: Draw): Unnamed {
  const { random, type } = draw;
  draw.input([random.integer(1, 5), random.integer(1, 70)], scaled(draw, random.scale(0.005, 0.5)));
  return draw.case('Softmax', whole(1 / 256, type === 'uint8' ? 0 : -128), { beta: random.pick([1, 1, 0.5]) });
}

/** To sizes whose weights are of few bits, or of thirds and fifths, where sums of them are nearly ties. */
function resize(draw: Draw): Unnamed {
  const { random } = draw;
  const [from, to] = [
    [0, 0],
    [0, 0],
  ].map((pair) => pair.map(() => random.integer(1, 12))) as [number[], number[]];
  const { quantization } = draw.input([random.integer(1, 2), random.integer(1, 12), ...from]);
  const aligned = random.integer(0, 1);
  return draw.case('ResizeBilinear', quantization!, {
    sizes: to,
    align_corners: aligned,
    half_pixel_centers: aligned ? 0 : random.integer(0, 1),
  });
}

function matmul(draw: Draw): Unnamed {
  const { random } = draw;
  const [images, rows, depth, columns] = [3, 9, 70, 20].map((most) => random.integer(1, most)) as [
    number,
    number,
    number,
    number,
  ];
  draw.input([images, rows, depth]);
  const zero = random.chance(0.5) ? { zeroPoint: Int32Array.of(0) } : {};
  draw.input([images, depth, columns], { ...scaled(draw, someScale(random)), ...zero });
  const spread = scaleOf(draw) * scaleOf(draw, 1) * 64 * Math.sqrt(depth);
  return draw.case('BatchMatMul', scaled(draw, spread * ratio(random)), {});
}

/** A convolution, as depthwise and transposed ones are computed; biases and weights of any size. */
function conv(draw: Draw): Unnamed {
  const { random, type } = draw;
  const kind = random.pick(['depthwise', 'transposed', 'plain']);
  const [inputs, outputs] = [random.integer(1, 20), random.integer(1, 20)];
  const channels = kind === 'depthwise' ? inputs : outputs;
  const size = random.pick([1, 2, 3, 3]);
  draw.input([random.integer(1, 2), inputs, random.integer(size, 9), random.integer(size, 9)]);
  const weights = [channels, kind === 'depthwise' ? 1 : inputs, size, size];
  const scales = Array.from({ length: type === 'int8' ? channels : 1 }, () => someScale(random) / 16);
  const data = Array.from(
    { length: elementCount(weights) },
    () => random.integer(-127, 127) + (type === 'int8' ? 0 : 128),
  );
  const spread = scaleOf(draw) * scales[0]! * 64 * 64 * Math.sqrt(elementCount(weights) / channels);
  const limit = spread / (scaleOf(draw) * scales[0]!);
  const constants: Constant[] = [
    {
      name: 'w',
      type,
      shape: weights,
      data: type === 'int8' ? Int8Array.from(data) : Uint8Array.from(data),
      quantization: {
        scale: Float32Array.from(scales),
        zeroPoint: Int32Array.from(scales, () => (type === 'int8' ? 0 : random.integer(100, 150))),
        ...(scales.length > 1 && { axis: 0 }),
      },
    },
    {
      name: 'b',
      type: 'int32',
      shape: [channels],
      data: Int32Array.from({ length: channels }, () => random.integer(-Math.ceil(limit), Math.ceil(limit))),
    },
  ];
  return draw.case(
    'Conv',
    scaled(draw, (spread / 40) * ratio(random)),
    {
      kernel_shape: [size, size],
      ...(kind === 'depthwise' && { group: channels, depthwise: 1 }),
      ...(kind === 'transposed' && { transposed: 1 }),
      ...clamp(draw),
    },
    constants,
  );
}

/** Elements of what has many functions come more often. */
const KINDS = [
  ...[unary, unary, unary, unary, pair, pair, pair, pair],
  ...[reduction, average, softmax, resize, resize, matmul, conv, conv, conv],
] as const;

/** TensorFlow Lite's own operators, where an engine is of its family. */
export function tfliteOperatorKinds(random: Random, engine: string): (() => Unnamed)[] {
  const kinds = findEngine(engine).family === 'tflite' ? KINDS : [];
  return kinds.map((kind) => () => kind(new Draw(random, engine)));
}
