import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeOnnx, type OnnxNode } from '../../../models/onnx_writer.ts';
import { Random } from '../../../models/random.ts';
import { ortFolder } from '../../../harness/chrome/ort_folder.ts';
import { createOnnxruntimeWeb } from '../../../harness/oracles/onnxruntime_web.ts';
import { readModel } from '../index.ts';
import { byteRange, elementCount, newElementData } from '../../graph/graph.ts';
import { createPlan } from '../../plan/plan.ts';
import { referenceTrace } from '../../plan/reference.ts';
import { Tensor } from '../../tensor.ts';
import { OnnxNetwork, type ByteType } from '../../../tests/helpers/onnx_network.ts';

beforeAll(() => {
  ort.env.wasm.wasmPaths = pathToFileURL(`${ortFolder()}/`).href;
});

const bitsOf = ({ data }: Tensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** The kernels that exact8 plans for a model whose every output equals the real engine's. */
async function equalsEngine(network: OnnxNetwork, what: string): Promise<string[]> {
  const model = network.bytes();
  const plan = createPlan(readModel(model));
  const { outputs } = referenceTrace(plan, network.feeds);
  const oracle = await createOnnxruntimeWeb(model, []);
  const expected = (await oracle.run(network.feeds)).outputs;
  await oracle.release();
  for (const [name, tensor] of Object.entries(expected)) {
    expect(outputs[name]!.dims, what).toEqual(tensor.dims);
    const [got, wanted] = [bitsOf(outputs[name]!), bitsOf(tensor)];
    const at = wanted.findIndex((byte, i) => byte !== got[i]);
    if (at >= 0 || got.length !== wanted.length)
      expect.fail(`${what}: '${name}' differs at byte ${at} of ${wanted.length}: ${got[at]}, not ${wanted[at]}`);
  }
  return plan.steps.map(({ kernel }) => kernel);
}

function refusal(network: OnnxNetwork): string {
  try {
    createPlan(readModel(network.bytes()));
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'accepted';
}

interface Quantized {
  readonly scale: number;
  readonly zero: number;
  readonly type: ByteType;
}

function someQuantization(random: Random, type: ByteType): Quantized {
  const [min, max] = byteRange(type);
  const scale = random.chance(0.3) ? 2 ** random.integer(-7, 0) : random.scale(0.005, 1);
  return { scale, zero: random.pick([min, min + 128, random.integer(min, max)]), type };
}

function bytesOf(random: Random, type: ByteType, shape: readonly number[]): Tensor {
  const [min] = byteRange(type);
  const data = newElementData(type, elementCount(shape));
  // every byte first, then any
  for (let i = 0; i < data.length; i++) data[i] = min + (i < 256 ? i : random.integer(0, 255));
  return new Tensor(type, data, shape);
}

interface Drawn {
  readonly random: Random;
  readonly network: OnnxNetwork;
  readonly type: ByteType;
  readonly x: Quantized;
  readonly y: Quantized;
  /** A new 8-bit input behind a DequantizeLinear. */
  real(shape: readonly number[], quantization?: Quantized): string;
  /** QuantizeLinear to y (or as x), and the output of the model. */
  finish(real: string, quantization?: Quantized): void;
}

function draw(seed: number, operatorSet = 13): Drawn {
  const random = new Random(seed);
  const network = new OnnxNetwork(operatorSet);
  const type: ByteType = random.chance(0.65) ? 'uint8' : 'int8';
  const [x, y] = [someQuantization(random, type), someQuantization(random, type)];
  return {
    random,
    network,
    type,
    x,
    y,
    real: (shape, q = x) => network.dequantize(network.input(bytesOf(random, q.type, shape)), q.scale, q.zero, q.type),
    finish(real, q = y) {
      network.output(network.quantize(real, q.scale, q.zero, q.type), q.type);
    },
  };
}

/** Draws `count` models and compares each; `expected` are the kernels one of them at least has to use. */
async function compare(
  count: number,
  make: (drawn: Drawn) => void,
  expected: string[],
  operatorSet = 13,
): Promise<void> {
  const used = new Set<string>();
  for (let seed = 1; seed <= count; seed++) {
    const drawn = draw(seed, operatorSet);
    make(drawn);
    for (const kernel of await equalsEngine(drawn.network, `seed ${seed}`)) used.add(kernel);
  }
  expect([...used]).toEqual(expect.arrayContaining(expected));
}

const image = ({ random }: Drawn): number[] => [
  random.integer(1, 2),
  random.integer(1, 9),
  random.integer(5, 11),
  random.integer(5, 11),
];

const pool = (random: Random, dilations = [1, 1]) => {
  const kernel = [random.integer(1, 3), random.integer(1, 3)] as const;
  const pad = (axis: 0 | 1): number => random.integer(0, kernel[axis] - 1);
  return {
    kernel_shape: [...kernel],
    dilations,
    strides: [random.integer(1, kernel[0]), random.integer(1, kernel[1])],
    ...(dilations[1] === 1 && random.chance(0.2)
      ? { auto_pad: random.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID']) }
      : { pads: random.chance(0.3) ? [0, 0, 0, 0] : [pad(0), pad(1), pad(0), pad(1)] }),
  };
};

describe('Q/DQ models equal onnxruntime-web, bit for bit', () => {
  it('MaxPool, requantized or not, with dilations and ceil_mode', () =>
    compare(
      40,
      (d) => {
        const dilations = d.random.chance(0.3) ? [1, 2] : [1, 1];
        const ceil = d.random.chance(0.3) ? { ceil_mode: 1 } : {};
        const y = d.network.op('MaxPool', [d.real(image(d))], { ...pool(d.random, dilations), ...ceil });
        d.finish(y, d.random.chance(0.5) ? d.x : d.y);
      },
      ['max_pool', 'lookup'],
    ));

  it('AveragePool, with and without the padding counted', () =>
    compare(
      40,
      (d) => {
        const counts = { count_include_pad: d.random.integer(0, 1) };
        const { dilations: _, ...window } = pool(d.random);
        d.finish(d.network.op('AveragePool', [d.real(image(d))], { ...window, ...counts }));
      },
      ['average_pool'],
    ));

  it('ReduceMean over height and width', () =>
    compare(
      20,
      (d) => {
        const shape = [
          d.random.integer(1, 2),
          d.random.integer(1, 9),
          d.random.integer(1, 40),
          d.random.integer(1, 40),
        ];
        d.finish(d.network.op('ReduceMean', [d.real(shape)], { axes: [2, 3], keepdims: d.random.integer(0, 1) }));
      },
      ['average_pool'],
    ));

  it('ReduceMax over height, width or both', () =>
    compare(
      20,
      (d) => {
        const axes = d.random.pick([[2, 3], [-1, 2], [2], [3]]);
        const keepdims = axes.length === 2 ? d.random.integer(0, 1) : 1;
        d.finish(d.network.op('ReduceMax', [d.real(image(d))], { axes, keepdims }), d.random.chance(0.5) ? d.x : d.y);
      },
      ['max_pool', 'lookup'],
    ));

  it('Resize by linear interpolation', () =>
    compare(
      40,
      (d) => {
        const [n, c, h, w] = image(d) as [number, number, number, number];
        const { random } = d;
        const scale = (): number => random.pick([1, 2, 1.5, 3, 0.5, random.scale(0.3, 4)]);
        const operands = random.chance(0.6)
          ? [d.network.constant(Float32Array.of(1, 1, scale(), scale()), [4])]
          : ['', d.network.integers(n, c, random.integer(1, 20), random.integer(1, 20))];
        const modes = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'];
        const attributes = { mode: 'linear', coordinate_transformation_mode: random.pick(modes) };
        d.finish(d.network.op('Resize', [d.real([n, c, h, w]), '', ...operands], attributes), random.pick([d.x, d.y]));
      },
      ['resize_linear'],
    ));

  it('Resize of bytes by linear interpolation', async () => {
    const random = new Random(5);
    for (let seed = 1; seed <= 20; seed++) {
      const network = new OnnxNetwork();
      const type: ByteType = random.chance(0.5) ? 'uint8' : 'int8';
      const shape = [1, random.integer(1, 6), random.integer(1, 9), random.integer(1, 9)];
      const x = network.input(bytesOf(random, type, shape));
      const q = network.op(
        'QLinearConcat',
        [...network.parameters(0.1, 3, type), ...[x, ...network.parameters(0.1, 3, type)]],
        { axis: 1 },
        'com.microsoft',
      );
      const scales = network.constant(Float32Array.of(1, 1, random.scale(1, 4), random.pick([1, 2, 2.5])), [4]);
      network.output(network.op('Resize', [q, '', scales], { mode: 'linear' }), type);
      expect(await equalsEngine(network, `seed ${seed}`)).toContain('resize_linear');
    }
  });

  it('BatchNormalization, a function of a byte a channel', () =>
    compare(
      8,
      (d) => {
        const shape = image(d);
        const channels = shape[1]!;
        const each = (least: number, most: number): string =>
          d.network.constant(
            Float32Array.from({ length: channels }, () => least + (most - least) * d.random.unit()),
            [channels],
          );
        const parameters = [each(-2, 2), each(-1, 1), each(-3, 3), each(0.01, 4)];
        const epsilon = d.random.pick([1e-5, 1e-3]);
        const y = d.network.op('BatchNormalization', [d.real(shape), ...parameters], { epsilon: { float: epsilon } });
        d.finish(d.random.chance(0.5) ? d.network.op('Relu', [y]) : y);
      },
      ['add'],
    ));

  it('normalizations in float32, each channel its own: of more channels than a byte numbers, of instances', () =>
    compare(
      8,
      (d) => {
        const channels = d.random.pick([3, 300]);
        const each = (least: number, most: number): string =>
          d.network.constant(
            Float32Array.from({ length: channels }, () => least + (most - least) * d.random.unit()),
            [channels],
          );
        const x = d.real([d.random.integer(1, 2), channels, d.random.integer(1, 6), d.random.integer(1, 6)]);
        const y = d.network.op('InstanceNormalization', [x, each(-2, 2), each(-1, 1)]);
        d.finish(d.network.op('BatchNormalization', [y, each(-2, 2), each(-1, 1), each(-3, 3), each(0.01, 4)]));
      },
      ['operation', 'elementwise', 'pool_float32'],
    ));

  it.each(['Add', 'Mul', 'Sub'])('%s, with broadcasting', (op) =>
    compare(
      16,
      (d) => {
        const [n, c, h, w] = image(d) as [number, number, number, number];
        const other = d.random.pick([
          [n, c, h, w],
          [n, c, 1, 1],
          [1, c, 1, 1],
          [n, 1, h, w],
          [1, 1, 1, 1],
          [1, c, 1, w],
        ]);
        const q = someQuantization(d.random, d.type);
        const a = d.real([n, c, h, w]);
        const b = d.real(other, q);
        const operands = d.random.chance(0.5) ? [b, a] : [a, b];
        d.finish(d.network.op(op, operands));
      },
      ['add'],
    ),
  );

  it('Concat along any axis, requantized where it must be', () =>
    compare(
      24,
      (d) => {
        const axis = d.random.integer(0, 3);
        const shape = image(d);
        // more than six are concatenated in parts
        const count = d.random.chance(0.7) ? d.random.integer(1, 6) : d.random.integer(7, 40);
        const parts = Array.from({ length: count }, () => {
          const own = shape.map((size, i) => (i === axis ? d.random.integer(1, 6) : size));
          return d.real(own, d.random.chance(0.4) ? d.y : someQuantization(d.random, d.type));
        });
        d.finish(d.network.op('Concat', parts, { axis }));
      },
      ['concat', 'lookup'],
    ));

  const functions: Record<string, (d: Drawn, x: string) => string> = {
    Relu: (d, x) => d.network.op('Relu', [x]),
    Clip: (d, x) => d.network.op('Clip', [x, d.network.float(-0.75), d.network.float(1.9)]),
    LeakyRelu: (d, x) => d.network.op('LeakyRelu', [x], { alpha: { float: 0.13 } }),
    PRelu: (d, x) => d.network.op('PRelu', [x, d.network.constant(Float32Array.of(d.random.unit() - 0.3), [1, 1, 1])]),
    Sigmoid: (d, x) => d.network.op('Sigmoid', [x]),
    HardSigmoid: (d, x) => d.network.op('HardSigmoid', [x], { alpha: { float: 0.17 }, beta: { float: 0.45 } }),
    HardSwish: (d, x) => d.network.op('HardSwish', [x]),
    'x * Sigmoid(x)': (d, x) => d.network.op('Mul', [x, d.network.op('Sigmoid', [x])]),
    'x * Clip(x + 3, 0, 6) / 6': (d, x) => {
      const { network } = d;
      const sum = network.op('Add', [x, network.float(3)]);
      const clipped = network.op('Clip', [sum, network.float(0), network.float(6)]);
      return network.op('Div', [network.op('Mul', [x, clipped]), network.float(6)]);
    },
    '(1.3 - x) * 0.77': (d, x) =>
      d.network.op('Mul', [d.network.op('Sub', [d.network.float(1.3), x]), d.network.float(0.77)]),
  };
  it.each(Object.keys(functions))('%s of one tensor is one table', (name) =>
    compare(12, (d) => d.finish(functions[name]!(d, d.real([1, 4, 8, 8]))), ['lookup'], 14),
  );

  it('functions of one tensor whose result stays float32', () =>
    compare(
      8,
      (d) => {
        const name = d.random.pick(['Sigmoid', 'HardSwish', 'LeakyRelu', 'PRelu', 'x * Sigmoid(x)']);
        d.network.output(functions[name]!(d, d.real([1, 4, 8, 8])), 'float32');
      },
      ['dequantize_linear'],
      14,
    ));

  it('squeeze-and-excitation left in float: a table of pairs', () =>
    compare(
      12,
      (d) => {
        const a = d.real([1, 8, 7, 6]);
        const gate = d.network.op('HardSigmoid', [d.real([1, 8, 1, 1], someQuantization(d.random, d.type))]);
        d.finish(d.network.op('Mul', [a, gate]));
      },
      ['add'],
    ));

  const moves: Record<string, (d: Drawn, x: string) => string> = {
    'Transpose to NHWC': (d, x) => d.network.op('Transpose', [x], { perm: [0, 2, 3, 1] }),
    'Transpose of all': (d, x) => d.network.op('Transpose', [x], { perm: [3, 1, 0, 2] }),
    'Reshape to rows': (d, x) => d.network.op('Reshape', [x, d.network.integers(0, -1)]),
    'Reshape to three dimensions': (d, x) => d.network.op('Reshape', [x, d.network.integers(0, 0, -1)]),
    Flatten: (d, x) => d.network.op('Flatten', [x]),
    'Unsqueeze and Squeeze': (d, x) => {
      const more = d.network.op('Unsqueeze', [x, d.network.integers(0, 3)]);
      return d.network.op('Squeeze', [more, d.network.integers(0, 3)]);
    },
    'channel shuffle': (d, x) => {
      const split = d.network.op('Reshape', [x, d.network.integers(1, 2, 3, 5, 7)]);
      const swapped = d.network.op('Transpose', [split], { perm: [0, 2, 1, 3, 4] });
      return d.network.op('Reshape', [swapped, d.network.integers(1, 6, 5, 7)]);
    },
    Slice: (d, x) =>
      d.network.op('Slice', [
        x,
        d.network.integers(1, -1),
        d.network.integers(6, -100),
        d.network.integers(1, 3),
        d.network.integers(2, -2),
      ]),
    Split: (d, x) => d.network.ops('Split', [x, d.network.integers(1, 3, 2)], 3, { axis: 1 })[1]!,
    'Split in equal parts': (d, x) => d.network.ops('Split', [x], 2, { axis: 1 })[1]!,
    Pad: (d, x) => d.network.op('Pad', [x, d.network.integers(0, 1, 2, 0, 0, 0, 1, 3), d.network.float(0.4)]),
    'Pad and crop': (d, x) => d.network.op('Pad', [x, d.network.integers(0, 0, -1, 2, 0, 1, 1, -2)]),
    'Pad with reflection': (d, x) =>
      d.network.op('Pad', [x, d.network.integers(0, 0, 2, 1, 0, 0, 1, 3)], { mode: 'reflect' }),
    'Pad with the edge': (d, x) =>
      d.network.op('Pad', [x, d.network.integers(0, 0, 2, 1, 0, 0, 1, 3)], { mode: 'edge' }),
    Gather: (d, x) => d.network.op('Gather', [x, d.network.integers(3, 0, -1)], { axis: 1 }),
  };
  it.each(Object.keys(moves))('%s', (name) =>
    compare(
      4,
      (d) => {
        const moved = moves[name]!(d, d.real([1, 6, 5, 7]));
        d.finish(moved, d.random.chance(0.5) ? d.x : d.y);
      },
      [],
    ),
  );

  it.each(['asymmetric', 'half_pixel', 'pytorch_half_pixel', 'align_corners'])('Resize to the nearest, %s', (mode) =>
    compare(
      16,
      (d) => {
        const nearest = d.random.pick(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']);
        const attributes = { mode: 'nearest', coordinate_transformation_mode: mode, nearest_mode: nearest };
        const x = d.real([1, 3, 5, 7]);
        const scales = d.random.chance(0.5) ? [2, 2] : [d.random.scale(0.3, 4), d.random.scale(0.3, 4)];
        const resized = d.random.chance(0.6)
          ? d.network.op('Resize', [x, '', d.network.constant(Float32Array.of(1, 1, ...scales), [4])], attributes)
          : d.network.op(
              'Resize',
              [x, '', '', d.network.integers(1, 3, d.random.integer(1, 12), d.random.integer(1, 12))],
              attributes,
            );
        d.finish(resized, d.x);
      },
      [],
    ),
  );

  it.each(['DCR', 'CRD'])('DepthToSpace, mode %s', (mode) =>
    compare(
      12,
      (d) => {
        const blocksize = d.random.integer(1, 3);
        const [n, c, h, w] = image(d) as [number, number, number, number];
        const x = d.real([n, c * blocksize ** 2, h, w]);
        d.finish(d.network.op('DepthToSpace', [x], { blocksize, mode }), d.random.chance(0.5) ? d.x : d.y);
      },
      ['move'],
    ),
  );

  it('a float input may be moved before it is quantized', () =>
    compare(
      4,
      (d) => {
        const data = Float32Array.from({ length: 60 }, () => d.random.unit() * 8 - 4);
        const x = d.network.input(new Tensor('float32', data, [1, 4, 5, 3]));
        d.finish(d.network.op('Transpose', [x], { perm: [0, 3, 1, 2] }));
      },
      ['quantize_linear', 'move'],
    ));
});

it('a chain onnxruntime has no known arithmetic for is refused by name', () => {
  const d = draw(1);
  d.finish(d.network.op('Softplus', [d.real([1, 5])]));
  expect(refusal(d.network)).toMatch(/^UnsupportedModelError: node 'Softplus_.*Softplus, which is not supported/);
});

it.each(['Add', 'Mul', 'Div'])('%s of a constant of more dimensions than the tensor is refused', (op) => {
  const d = draw(1);
  const y = d.network.op(op, [d.real([3, 5]), d.network.constant(Float32Array.of(1.37), [1, 1, 1])]);
  d.finish(d.network.op('Relu', [y]));
  expect(refusal(d.network)).toMatch(/^UnsupportedModelError: .*a constant of 3 dimensions beside \[3, 5\]/);
});

describe('constants beside 8-bit tensors, and what follows from them, equal onnxruntime-web', () => {
  const reals = (d: Drawn, count: number, dims: readonly number[]): string =>
    d.network.constant(
      Float32Array.from({ length: count }, () => d.random.unit() * 2 - 1),
      dims,
    );

  it('weights that are quantized, clipped, moved in the graph', () =>
    compare(
      8,
      (d) => {
        const { network, random } = d;
        const zeros = network.constant(new Int8Array(4), [4]);
        const scales = network.constant(Float32Array.of(0.01, 0.02, 0.013, 0.007), [4]);
        const bytes = Int8Array.from({ length: 4 * 3 * 9 }, () => random.integer(-128, 127));
        const given = network.constant(bytes, [4, 3, 3, 3]);
        const bound = (value: number) => network.constant(Int8Array.of(value));
        const kinds: (() => string)[] = [
          () => network.op('QuantizeLinear', [reals(d, 108, [4, 3, 3, 3]), scales, zeros], { axis: 0 }),
          () => network.op('Clip', [given, bound(-127), bound(99)]),
          () => network.op('Transpose', [network.constant(bytes, [3, 3, 3, 4])], { perm: [3, 2, 0, 1] }),
          () => network.op('Reshape', [network.constant(bytes, [4, 27]), network.integers(4, 3, 3, 3)]),
        ];
        const weights = network.op('DequantizeLinear', [random.pick(kinds)(), scales, zeros], { axis: 0 });
        const x = d.real([1, 3, 5, 6], { ...d.x, type: 'uint8', zero: 100 });
        d.finish(network.op('Conv', [x, weights]), { ...d.y, type: 'uint8', zero: 90 });
      },
      ['conv'],
    ));

  it('a Cast of bytes to their own type behind each QuantizeLinear, as PyTorch exports them', () =>
    compare(
      8,
      (d) => {
        const { network, random } = d;
        const own = (real: string, q: Quantized) => {
          const bytes = network.quantize(real, q.scale, q.zero, q.type);
          const cast = network.op('Cast', [bytes], { to: { uint8: 2, int8: 3 }[q.type] });
          return network.op('DequantizeLinear', [cast, ...network.parameters(q.scale, q.zero, q.type)]);
        };
        const x = own(d.real([1, 3, 6, 7], { ...d.x, type: 'uint8', zero: 100 }), { ...d.y, type: 'uint8', zero: 3 });
        const weights = network.dequantizedConstant(
          Int8Array.from({ length: 4 * 3 * 9 }, () => random.integer(-128, 127)),
          [4, 3, 3, 3],
          0.01,
        );
        const z = own(network.op('Conv', [x, weights]), { ...d.x, type: 'uint8', zero: 90 });
        d.finish(network.op('Relu', [z]), { ...d.y, type: 'uint8', zero: 0 });
      },
      ['conv'],
    ));

  it('operands of one value a channel', () =>
    compare(
      12,
      (d) => {
        const op = d.random.pick(['Add', 'Sub', 'Mul', 'Div', 'PRelu']);
        const dims =
          op === 'PRelu'
            ? [5, 1, 1]
            : d.random.pick([
                [5, 1, 1],
                [1, 5, 1, 1],
              ]);
        const operands = [d.real([1, 5, 4, 7]), reals(d, 5, dims)];
        d.finish(d.network.op(op, op === 'PRelu' || d.random.chance(0.5) ? operands : operands.reverse()));
      },
      ['add'],
    ));

  it('in a Concat', () =>
    compare(
      4,
      (d) => {
        const data = Uint8Array.from({ length: 40 }, () => d.random.integer(0, 127));
        const constant = d.network.op('DequantizeLinear', [
          d.network.constant(d.type === 'uint8' ? data : Int8Array.from(data), [1, 2, 4, 5]),
          ...d.network.parameters(d.x.scale, d.x.zero, d.type),
        ]);
        d.finish(d.network.op('Concat', [d.real([1, 3, 4, 5]), constant], { axis: 1 }), d.x);
      },
      ['concat'],
    ));
});

it('a QLinearConv along one axis, some of whose channels are nothing, equals onnxruntime-web', () =>
  compare(
    4,
    ({ network, random, y }) => {
      const x = network.input(bytesOf(random, 'uint8', [2, 6, 19]));
      const data = Int8Array.from({ length: 4 * 3 * 4 }, () => random.integer(-128, 127));
      const scales = Float32Array.of(0.01, 0, 0.02, 0);
      const operands = [
        network.constant(data, [4, 3, 4]),
        network.constant(scales, [4]),
        network.constant(new Int8Array(4), [4]),
      ];
      const result = network.parameters(y.scale, 77, 'uint8');
      const attributes = { group: 2, strides: [2], pads: [1, 2], dilations: [1] };
      network.output(
        network.op('QLinearConv', [x, ...network.parameters(0.03, 40, 'uint8'), ...operands, ...result], attributes),
        'uint8',
      );
    },
    ['conv_grouped'],
  ));

it('a constant of more values that differ than a byte can number is an operand in float32', async () => {
  const d = draw(1);
  const values = d.network.constant(
    Float32Array.from({ length: 300 }, (_, i) => i),
    [1, 300],
  );
  d.finish(d.network.op('Sub', [d.real([1, 300]), values]));
  expect(await equalsEngine(d.network, 'Sub')).toContain('operation');
});

it('a product with a reciprocal is a quotient', async () => {
  const d = draw(3);
  const [x, y] = [d.network.op('Sigmoid', [d.real([1, 300])]), d.real([1, 300])];
  d.network.output(d.network.op('Mul', [d.network.op('Div', [d.network.float(1), x]), y]), 'float32');
  await equalsEngine(d.network, 'a quotient');
});

it.each([
  [Math.SQRT2, 'last'],
  [Math.SQRT2, 'first'],
  // as near as onnxruntime still takes for it, and no more
  [1.414223, 'last'],
  [1.414228, 'first'],
] as const)('a GELU in one piece, by %f, half of it %s', async (root, half) => {
  const d = draw(1);
  const { network } = d;
  const x = network.op('Add', [d.real([1, 3000]), d.real([1, 3000])]);
  network.output(gelu(network, x, half, root), 'float32');
  await equalsEngine(network, 'a GELU');
});

/** x (1 + erf(x / root)) / 2, the half taken of x or at the end. */
function gelu(network: OnnxNetwork, x: string, half: 'first' | 'last', root = Math.SQRT2): string {
  const erf = network.op('Erf', [network.op('Div', [x, network.float(root)])]);
  const sum = network.op('Add', [erf, network.float(1)]);
  const halved = (v: string): string => network.op('Mul', [v, network.float(0.5)]);
  return half === 'last' ? halved(network.op('Mul', [x, sum])) : network.op('Mul', [halved(x), sum]);
}

it('a GELU with a copy of its end before it, which nobody needs', async () => {
  const d = draw(1);
  const { network } = d;
  const x = network.op('Add', [d.real([1, 3000]), d.real([1, 3000])]);
  const erf = network.op('Erf', [network.op('Div', [x, network.float(Math.SQRT2)])]);
  const end = [network.op('Mul', [x, network.op('Add', [erf, network.float(1)])]), network.float(0.5)];
  network.op('Mul', end);
  network.output(network.op('Mul', end), 'float32');
  await equalsEngine(network, 'a GELU with a copy');
});

// of a product onnxruntime makes no operator where the half is taken at the end, and none of what is dequantized; what it has
// made one of is no product
it.each<[what: string, xOf: (network: OnnxNetwork, x: string) => string]>([
  ['a product', (network, x) => network.op('Mul', [x, network.float(1.1)])],
  ['a SiLU', (network, x) => network.op('Mul', [x, network.op('Sigmoid', [x])])],
  [
    'a SiLU of a multiple',
    (network, x) => network.op('Mul', [network.op('Sigmoid', [network.op('Mul', [x, network.float(1.7)])]), x]),
  ],
  ['a GELU', (network, x) => gelu(network, x, 'last')],
  ['bytes', (network, x) => network.dequantize(network.quantize(x, 0.03, 131, 'uint8'), 0.03, 131, 'uint8')],
])('a GELU of %s', async (what, xOf) => {
  for (const half of ['first', 'last'] as const) {
    const d = draw(1);
    const { network } = d;
    const sum = network.op('Add', [d.real([1, 3000]), d.real([1, 3000])]);
    network.output(gelu(network, xOf(network, sum), half), 'float32');
    await equalsEngine(network, `a GELU of ${what}, ${half}`);
  }
});

it.each(['half_pixel', 'align_corners', 'asymmetric'])('Resize by linear interpolation of floats, %s', async (how) => {
  const d = draw(2);
  const { network } = d;
  const x = network.op('Add', [d.real([1, 3, 5, 7]), d.real([1, 3, 5, 7])]);
  const sizes = network.constant(BigInt64Array.of(1n, 3n, 11n, 4n), [4]);
  const y = network.op('Resize', [x, '', '', sizes], { mode: 'linear', coordinate_transformation_mode: how });
  network.output(y, 'float32');
  expect(await equalsEngine(network, how)).toContain('resize_linear_float32');
});

it('ReduceMean of floats behind a Transpose is refused', () => {
  const { network, real } = draw(2);
  const sum = network.op('Add', [real([1, 5, 3, 7]), real([1, 5, 3, 7])]);
  const x = network.op('Transpose', [sum], { perm: [0, 1, 3, 2] });
  network.output(network.op('ReduceMean', [x], { axes: [2, 3] }), 'float32');
  expect(refusal(network)).toMatch(/^UnsupportedModelError: node 'ReduceMean_.*behind a Transpose/);
});

it('ReduceMax of floats', async () => {
  const d = draw(2);
  const y = d.network.op('ReduceMax', [d.real([1, 5, 3, 7])], { axes: [2, 3], keepdims: 0 });
  d.network.output(y, 'float32');
  await equalsEngine(d.network, 'ReduceMax');
});

it.each([
  [{ blocksize: 2 }, /^InvalidModelError: node 'DepthToSpace_.*blocks of 2 by 2 from shape \[1, 6, 5, 7\]/],
  [{}, /^InvalidModelError: node 'DepthToSpace_.*blocks of NaN by NaN/],
  [{ blocksize: 1, mode: 'RCD' }, /^UnsupportedModelError: node 'DepthToSpace_.*mode RCD; supported: DCR, CRD/],
])('a DepthToSpace of %j is refused', (attributes, message) => {
  const d = draw(1);
  d.finish(d.network.op('DepthToSpace', [d.real([1, 6, 5, 7])], attributes), d.x);
  expect(refusal(d.network)).toMatch(message);
});

/** Weights and what stands around them in a Q/DQ model. */
const signed = (random: Random, count: number): Int8Array =>
  Int8Array.from({ length: count }, () => random.integer(-127, 127));

/** QuantizeLinear, then DequantizeLinear. */
function pair({ network }: Drawn, real: string, { scale, zero, type }: Quantized): string {
  return network.dequantize(network.quantize(real, scale, zero, type), scale, zero, type);
}

describe('layers of Q/DQ models as onnxruntime fuses them', () => {
  const layer = (
    d: Drawn,
    x: string,
    sx: number,
    bias: 'none' | 'int32' | 'float',
    op: 'Conv' | 'Gemm' | 'MatMul',
  ): string => {
    const { random, network } = d;
    const [inputs, outputs] = [6, 5];
    const perChannel = random.chance(0.5);
    const scales = Float32Array.from({ length: perChannel ? outputs : 1 }, () => random.scale(0.002, 0.05));
    const dims = op === 'Conv' ? [outputs, inputs, 3, 3] : op === 'Gemm' ? [outputs, inputs] : [inputs, outputs];
    const axis = op === 'MatMul' ? 1 : 0;
    const weights = signed(random, elementCount(dims));
    const weight = network.dequantizedConstant(weights, dims, perChannel ? scales : scales[0]!, axis);
    const products = scales.map((s) => Math.fround(Math.fround(sx) * s));
    const integers = Int32Array.from({ length: outputs }, () => random.integer(-9000, 9000));
    const real = Float32Array.from({ length: outputs }, () => (random.unit() - 0.5) * 9000 * products[0]!);
    const biases = {
      none: [],
      int32: [network.dequantizedConstant(integers, [outputs], perChannel ? products : products[0]!)],
      float: [network.constant(real, [outputs])],
    }[bias];
    if (op === 'MatMul') {
      const product = network.op('MatMul', [x, weight]);
      return biases.length > 0 ? network.op('Add', [product, ...biases]) : product;
    }
    return network.op(op, [x, weight, ...biases], op === 'Gemm' ? { transB: 1 } : {});
  };
  const spread = (d: Drawn): Quantized => ({ ...d.y, scale: d.x.scale * d.random.scale(0.3, 3) });

  it.each(['none', 'int32', 'float'] as const)(
    'Conv, Gemm, MatMul and Add: bias %s, clamps that change nothing',
    (bias) =>
      compare(
        18,
        (d) => {
          const q = { ...d.x, type: 'uint8' as const, zero: d.random.integer(0, 255) };
          const op = d.random.pick(['Conv', 'Gemm', 'MatMul'] as const);
          const made = layer(d, d.real(op === 'Conv' ? [1, 6, 7, 7] : [3, 6], q), q.scale, bias, op);
          const clamped = d.random.chance(0.3);
          d.finish(clamped ? d.network.op('Relu', [made]) : made, {
            ...spread(d),
            type: 'uint8',
            zero: clamped ? 0 : d.random.integer(0, 255),
          });
        },
        [],
      ),
  );

  it('int8 activations between one QuantizeLinear and one DequantizeLinear become uint8', () =>
    compare(
      10,
      (d) => {
        const { network, random } = d;
        const int8 = (): Quantized => ({
          scale: d.x.scale * random.scale(0.5, 2),
          zero: random.integer(-128, 127),
          type: 'int8',
        });
        const data = Float32Array.from({ length: 6 * 81 }, () => (random.unit() - 0.5) * d.x.scale * 200);
        const first = int8();
        const x = pair(d, network.input(new Tensor('float32', data, [1, 6, 9, 9])), first);
        const second = int8();
        let y = pair(d, layer(d, x, first.scale, 'int32', 'Conv'), second);
        if (random.chance(0.5)) y = pair(d, network.op('MaxPool', [y], { kernel_shape: [2, 2] }), second);
        const third = int8();
        const made = random.pick([
          () => network.op('Sigmoid', [y]),
          () => network.op('AveragePool', [y], { kernel_shape: [3, 3] }),
          () => network.op('GlobalAveragePool', [y]),
        ]);
        network.output(pair(d, made(), third), 'float32');
      },
      [],
    ));

  it('a DequantizeLinear goes down through moves, into a Conv behind a Pad of zeros too', () =>
    compare(
      8,
      (d) => {
        const q = { ...d.x, type: 'uint8' as const, zero: d.random.integer(0, 255) };
        const x = d.real([1, 6, 7, 8], q);
        const moved = d.random.pick([
          () => d.network.op('Pad', [x, d.network.integers(0, 0, 1, 2, 0, 0, 0, 1)]),
          () => d.network.op('MaxPool', [x], { kernel_shape: [2, 2] }),
          () => d.network.op('Transpose', [x], { perm: [0, 1, 3, 2] }),
        ])();
        d.finish(layer(d, moved, q.scale, 'int32', 'Conv'), { ...spread(d), type: 'uint8', zero: 100 });
      },
      [],
    ));

  it.each([
    [
      'a ReLU that is not at the end of the range',
      (d: Drawn, y: string) => d.network.op('Relu', [y]),
      'uint8',
      "used in float by node 'Relu",
    ],
    [
      'a Pad between',
      (d: Drawn, y: string) => d.network.op('Pad', [y, d.network.integers(0, 0, 1, 1, 0, 0, 1, 1)]),
      'uint8',
      "used in float by node 'Pad",
    ],
    ['int8 activations that stay float', (_: Drawn, y: string) => y, 'int8', "'input0' is int8"],
  ] as const)('a Conv that onnxruntime runs in float says why: %s', async (_, between, type, because) => {
    const d = draw(3);
    const q: Quantized = { scale: 0.1, zero: 3, type };
    d.finish(between(d, layer(d, d.real([1, 6, 7, 7], q), q.scale, 'int32', 'Conv')), { scale: 0.2, zero: 7, type });
    expect(await equalsEngine(d.network, because)).toContain('conv_float32');
    const { graph } = createPlan(readModel(d.network.bytes()));
    expect(graph.nodes.find(({ op }) => op === 'Conv')?.attributes['because']).toContain(because);
  });
});

describe('as quantize_static writes it', () => {
  it('a bias whose zero point is a scalar and whose scale is a list of one', async () => {
    const network = new OnnxNetwork();
    const x = network.dequantize(network.input(new Tensor('uint8', Uint8Array.of(9, 200), [1, 1, 1, 2])), 0.5, 3);
    const w = network.dequantizedConstant(Int8Array.of(5), [1, 1, 1, 1], 0.25);
    const bias = [Int32Array.of(77), Float32Array.of(0.125)].map((data) => network.constant(data, [1]));
    const b = network.op('DequantizeLinear', [...bias, network.constant(Int32Array.of(0))]);
    network.output(network.quantize(network.op('Conv', [x, w, b]), 2, 10));
    expect(await equalsEngine(network, 'bias')).toHaveLength(1);
  });
});

describe('pools of pixels with channels last', () => {
  it.each([
    ['QLinearGlobalAveragePool', {}],
    ['QLinearAveragePool', { kernel_shape: [2, 3], pads: [1, 0, 0, 1], strides: [2, 1] }],
  ])('%s', async (op, attributes) => {
    const random = new Random(4);
    const network = new OnnxNetwork();
    const data = Uint8Array.from({ length: 2 * 5 * 7 * 6 }, () => random.integer(0, 255));
    const x = network.input(new Tensor('uint8', data, [2, 5, 7, 6]));
    const operands = [x, ...network.parameters(0.043, 11, 'uint8'), ...network.parameters(0.031, 5, 'uint8')];
    network.output(network.op(op, operands, { ...attributes, channels_last: 1 }, 'com.microsoft'));
    await equalsEngine(network, op);
  });
});

it.each([
  ['the scale of a DynamicQuantizeLinear', 's', [], 'accepted'],
  ['its scale and one a column', 's', [3], 'accepted'],
  ['a tensor', 'y', [], "UnsupportedModelError: node 'out' (Mul): the sums of a MatMulInteger times the product 'p'"],
  ['scales of two dimensions', 's', [1, 3], "UnsupportedModelError: node 'out' (Mul): the sums"],
] as const)('sums of a MatMulInteger times %s and a constant', (_, factor, dims, expected) => {
  const node = (op: string, inputs: string[], outputs: string[]): OnnxNode => ({
    ...{ name: outputs[0]!, op, domain: '', inputs, outputs, attributes: op === 'Cast' ? { to: 1 } : {} },
  });
  const model = writeOnnx({
    ...{ name: 'products', description: '', operatorSet: 17 },
    inputs: [
      { name: 'x', type: 'float32', dims: [4, 2] },
      { name: 'y', type: 'float32', dims: [4, 1] },
    ],
    outputs: [{ name: 'out', type: 'float32' }],
    nodes: [
      node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
      node('MatMulInteger', ['q', 'w', 'z'], ['sums']),
      node('Cast', ['sums'], ['floats']),
      node('Mul', [factor, 'scale'], ['p']),
      node('Mul', ['floats', 'p'], ['out']),
    ],
    constants: [
      { name: 'w', dims: [2, 3], data: Int8Array.of(1, -2, 3, 100, 5, -6) },
      {
        name: 'scale',
        dims,
        data: Float32Array.from({ length: dims.length > 0 ? 3 : 1 }, (_, i) => 0.0037 + i / 1000),
      },
    ],
  });
  const planned = (): string => {
    try {
      createPlan(readModel(model));
      return 'accepted';
    } catch (error) {
      return String(error);
    }
  };
  expect(planned().slice(0, expected.length)).toBe(expected);
});
