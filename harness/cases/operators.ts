import {
  byteRange,
  elementCount,
  type Attributes,
  type Constant,
  type QuantizedType,
  type TensorInfo,
} from '../../src/graph/graph.ts';
import { findEngine } from '../../src/engines/index.ts';
import type { Tensor } from '../../src/tensor.ts';
import { bytes, channelCount, FILLS, graphOf, someScale, whole, zeroPoint, type ByteType } from './draw.ts';
import type { Unnamed } from './case.ts';
import type { Random } from '../../models/random.ts';

/** 8-bit inputs of one type, and the quantization of the output. */
export class Draw {
  readonly random: Random;
  readonly engine: string;
  readonly type: ByteType;
  readonly inputs: TensorInfo[] = [];
  readonly feeds: Record<string, Tensor> = {};

  constructor(random: Random, engine: string) {
    this.random = random;
    this.engine = engine;
    this.type = random.chance(0.7) ? 'uint8' : 'int8';
  }

  quantization() {
    return whole(Math.fround(someScale(this.random)), zeroPoint(this.random, this.type));
  }

  /** @param fill 'all': every byte, again and again; otherwise at random, or extremes */
  input(shape: readonly number[], quantization = this.quantization(), fill?: 'all'): TensorInfo {
    const info: TensorInfo = { name: `x${this.inputs.length}`, type: this.type, shape, quantization };
    this.inputs.push(info);
    this.feeds[info.name] = bytes(
      this.random,
      this.type,
      shape,
      fill ?? this.random.pick(FILLS),
      quantization.zeroPoint[0]!,
    );
    return info;
  }

  image(least = 1): number[] {
    const size = (): number => this.random.integer(least, this.random.chance(0.2) ? 33 : 9);
    return [this.random.integer(1, 3), channelCount(this.random), size(), size()];
  }

  case(
    op: string,
    output: QuantizedType['quantization'],
    attributes: Attributes,
    constants: readonly Constant[] = [],
  ): Unnamed {
    const y: QuantizedType = { name: 'y', type: this.type, quantization: output };
    const shapes = this.inputs.map(({ shape }) => shape.join('x')).join(', ');
    return {
      description: `${op} ${this.type} ${shapes} ${JSON.stringify(attributes)}`,
      graph: graphOf(this.engine, op, this.inputs, y, constants, attributes),
      feeds: this.feeds,
    };
  }
}

function poolWindow(random: Random): Attributes {
  const kernel = [random.integer(1, 4), random.integer(1, 4)] as const;
  const pad = (axis: 0 | 1): number => random.integer(0, kernel[axis] - 1);
  return {
    kernel_shape: [...kernel],
    strides: [random.integer(1, 3), random.integer(1, 3)],
    pads: random.pick([
      [0, 0, 0, 0],
      [pad(0), pad(1), pad(0), pad(1)],
    ]),
  };
}

function pool(draw: Draw): Unnamed {
  const { random } = draw;
  const { quantization } = draw.input(draw.image(4));
  const window = poolWindow(random);
  if (random.chance(0.5)) return draw.case('MaxPool', quantization!, window);
  return draw.case('AveragePool', draw.quantization(), { ...window, count_include_pad: random.integer(0, 1) });
}

function mean(draw: Draw): Unnamed {
  draw.input(draw.image());
  const made = draw.case('ReduceMean', draw.quantization(), { axes: [2, 3], keepdims: draw.random.integer(0, 1) });
  return { ...made, form: 'qdq' };
}

function product(draw: Draw): Unnamed {
  const { random } = draw;
  const [n, c, h, w] = draw.image() as [number, number, number, number];
  draw.input([n, c, h, w]);
  draw.input(
    random.pick([
      [n, c, h, w],
      [n, c, 1, 1],
      [n, 1, h, w],
      [1, c, 1, w],
    ]),
  );
  const [a, b] = draw.inputs.map(({ quantization }) => quantization!.scale[0]!) as [number, number];
  const scale = Math.fround(a * b * random.scale(20, 300));
  return draw.case('Mul', whole(scale, zeroPoint(random, draw.type)), {});
}

function concatenation(draw: Draw): Unnamed {
  const { random } = draw;
  const axis = random.integer(0, 3);
  const shape = draw.image();
  const shared = draw.quantization();
  // more than six are concatenated in parts
  for (let parts = random.chance(0.7) ? random.integer(1, 6) : random.integer(7, 15); parts > 0; parts--)
    draw.input(
      shape.map((size, i) => (i === axis ? random.integer(1, 9) : size)),
      random.chance(0.5) ? shared : draw.quantization(),
    );
  return draw.case('Concat', shared, { axis });
}

function unary(draw: Draw): Unnamed {
  draw.input(draw.image());
  const op = draw.random.pick(['Sigmoid', 'LeakyRelu']);
  const output = draw.random.chance(0.5) ? whole(1 / 256, zeroPoint(draw.random, draw.type)) : draw.quantization();
  return draw.case(op, output, op === 'LeakyRelu' ? { alpha: Math.fround(draw.random.unit()) } : {});
}

const integers = (name: string, values: readonly number[]): Constant => ({
  name,
  type: 'int64',
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

function move(draw: Draw): Unnamed {
  const { random } = draw;
  const { shape, quantization } = draw.input(draw.image(3));
  const made = (op: string, attributes: Attributes, ...constants: Constant[]): Unnamed =>
    draw.case(op, quantization!, attributes, constants);
  switch (random.pick(['Transpose', 'Slice', 'Reshape', 'Pad'])) {
    case 'Transpose':
      return made('Transpose', {
        perm: random.pick([
          [0, 2, 3, 1],
          [0, 3, 1, 2],
          [3, 2, 1, 0],
          [0, 1, 3, 2],
          [1, 0, 2, 3],
        ]),
      });
    case 'Slice': {
      const axis = random.integer(1, 3);
      const step = random.pick([1, 1, 2, -1, -2]);
      const [first, last] = step > 0 ? [random.integer(0, shape[axis]! - 1), 1000] : [-1, -1000];
      return made('Slice', {}, ...[[first], [last], [axis], [step]].map((v, i) => integers(`p${i}`, v)));
    }
    case 'Reshape': {
      const rest = elementCount(shape.slice(1));
      const target = random.pick([[0, rest], [shape[0]!, shape[1]!, -1], [-1], [0, 0, shape[3]!, shape[2]!]]);
      return made('Reshape', {}, integers('shape', target));
    }
    default: {
      const pads = Array.from({ length: 8 }, (_, i) => (i % 4 === 0 ? 0 : random.integer(0, 2)));
      const mode = random.pick(['constant', 'constant', 'edge', 'reflect']);
      const value: Constant = {
        name: 'value',
        type: draw.type,
        shape: [],
        data: (draw.type === 'uint8' ? Uint8Array : Int8Array).of(zeroPoint(random, draw.type)),
      };
      // a value of bytes is no value of floats
      const pad = made(
        'Pad',
        { mode },
        integers('pads', reflectable(pads, shape)),
        ...(mode === 'constant' ? [value] : []),
      );
      return { ...pad, form: 'qoperator' };
    }
  }
}

function depthToSpace(draw: Draw): Unnamed {
  const { random, type } = draw;
  const [n, c, h, w] = draw.image() as [number, number, number, number];
  const blocksize = random.integer(1, 3);
  const { quantization } = draw.input([n, Math.min(c, 40) * blocksize ** 2, h, w]);
  const made = draw.case('DepthToSpace', quantization!, { blocksize, mode: random.pick(['DCR', 'CRD']) });
  // onnxruntime has it for no int8
  return type === 'int8' ? { ...made, form: 'qdq' } : made;
}

/** Pads of which none reflects more than there is. */
function reflectable(pads: readonly number[], shape: readonly number[]): number[] {
  return pads.map((pad, i) => Math.min(pad, shape[i % 4]! - 1));
}

function softmax(draw: Draw): Unnamed {
  const { random, type } = draw;
  const shape = random.chance(0.5) ? draw.image() : [random.integer(1, 9), random.pick([1, 2, 3, 10, 33, 1001])];
  draw.input(shape, whole(Math.fround(random.scale(1e-3, 4)), zeroPoint(random, type)));
  const [least] = byteRange(type);
  // as quantizers choose it, or any other from which on the web's product stays in float32
  const scale = shape[1]! > 1 && random.chance(0.6) ? 1 / 256 : Math.fround(random.scale(1 / 100, 0.5));
  return draw.case('Softmax', whole(scale, random.chance(0.6) ? least : zeroPoint(random, type)), {
    axis: 1,
    opset: 13,
  });
}

/** Operators on bytes beside convolutions and their like: pools, products, tables, moves. */
export function byteOperatorKinds(random: Random, engine: string): (() => Unnamed)[] {
  const bytes = { type: 'uint8', scale: 1, zeroPoint: 0 } as const;
  // the order in which some sum a ReduceMean is not known
  const hasMean = findEngine(engine).averagePool?.({ op: 'ReduceMean', input: bytes, output: bytes }) !== undefined;
  const means = hasMean ? [mean] : [];
  const softmaxes = findEngine(engine).family === 'onnxruntime' ? [softmax] : [];
  return [pool, pool, ...means, product, concatenation, unary, move, move, depthToSpace, ...softmaxes].map(
    (kind) => () => kind(new Draw(random, engine)),
  );
}
