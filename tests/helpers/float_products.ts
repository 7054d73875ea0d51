import { Random } from '../../models/random.ts';
import { newElementData } from '../../src/graph/graph.ts';
import { Tensor } from '../../src/tensor.ts';
import { OnnxNetwork } from './onnx_network.ts';

/** Products that are rounded often, and small weights, so that the order of a sum shows in its bits. */
const normal = (random: Random): number => random.unit() + random.unit() + random.unit() - 1.5;

interface Convolution {
  /** [N, C, H, W] */
  readonly input: readonly number[];
  /** [O, C / group, kh, kw], of a transposed one [C, O / group, kh, kw]. */
  readonly weights: readonly [number, number, number, number];
  readonly group?: number;
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly pads?: readonly number[];
  readonly output_padding?: readonly number[];
}

class FloatProducts extends OnnxNetwork {
  readonly #random = new Random(7);

  floats(...dims: readonly number[]): Float32Array {
    return Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => normal(this.#random));
  }

  tensor(dims: readonly number[]): string {
    return this.input(new Tensor('float32', this.floats(...dims), dims));
  }

  /** Weights as onnxruntime has no constants of them: behind a DequantizeLinear. */
  weights(dims: readonly number[]): string {
    const data = newElementData(
      'int8',
      dims.reduce((a, b) => a * b, 1),
    ).map(() => this.#random.integer(-127, 127));
    return this.dequantizedConstant(data as Int8Array, dims, 0.013);
  }

  conv(
    { input, weights, ...attributes }: Convolution,
    { op = 'Conv', bias = true, x = this.tensor(input), w = this.constant(this.floats(...weights), weights) } = {},
  ): string {
    const channels = op === 'Conv' ? weights[0] : weights[1] * (attributes.group ?? 1);
    const biases = bias ? [this.constant(this.floats(channels), [channels])] : [];
    return this.op(op, [x, w, ...biases], { ...attributes, kernel_shape: weights.slice(2) });
  }

  end(y: string): void {
    this.output(y, 'float32');
  }
}

/** Convolutions of float32 whose sums are taken in every order that onnxruntime has, each an output; something is quantized. */
export function floatConvolutions(): OnnxNetwork {
  const n = new FloatProducts(17);
  n.output(n.quantize(n.tensor([1, 4]), 0.01, 128));
  const pads = [1, 1, 1, 1];
  // several blocks, images, strides
  n.end(n.conv({ input: [2, 33, 7, 6], weights: [6, 33, 3, 3], pads, strides: [2, 1] }));
  n.end(n.conv({ input: [1, 300, 3, 3], weights: [5, 300, 1, 1] }, { bias: false }));
  n.end(n.conv({ input: [1, 12, 9, 9], weights: [10, 6, 3, 3], group: 2, dilations: [2, 3], pads: [2, 0, 1, 3] }));
  n.end(n.conv({ input: [1, 12, 5, 5], weights: [8, 3, 2, 3], group: 4, pads }));
  // of one filter: running, in fours behind the last multiple of four pixels; in one block, and in several
  n.end(n.conv({ input: [1, 6, 7, 9], weights: [6, 1, 3, 3], group: 6, pads }));
  n.end(n.conv({ input: [1, 3, 5, 3], weights: [3, 1, 5, 2], group: 3 }));
  n.end(n.conv({ input: [1, 40, 6, 7], weights: [1, 40, 3, 3], pads }));
  n.end(n.conv({ input: [1, 300, 5, 7], weights: [1, 300, 1, 1] }));
  n.end(n.conv({ input: [1, 300, 5, 5], weights: [1, 300, 1, 1], strides: [2, 2] }));
  // kernels as wide as the input lie in it
  n.end(n.conv({ input: [1, 5, 9, 3], weights: [5, 1, 3, 3], group: 5 }));
  n.end(n.conv({ input: [1, 2, 45, 40], weights: [2, 1, 40, 40], group: 2 }));
  n.end(n.conv({ input: [1, 3, 3, 3], weights: [1, 3, 3, 3] }));
  // of negative weights and zeros the sum is -0, which a Relu behind it makes 0, and a LeakyRelu leaves
  for (const after of ['Relu', 'Clip', 'LeakyRelu', 'Sigmoid', 'HardSwish']) {
    const x = n.op('Relu', [n.tensor([1, 8, 6, 6])]);
    const w = n.constant(
      n.floats(8, 1, 2, 2).map((v) => -Math.abs(v)),
      [8, 1, 2, 2],
    );
    const y = n.conv({ input: [], weights: [8, 1, 2, 2], group: 8 }, { bias: false, x, w });
    n.end(n.op(after, after === 'Clip' ? [y, n.float(0), n.float(0.5)] : [y]));
  }
  // sums begin with what is added to them, if they have a bias
  for (const bias of [true, false])
    for (const weights of [
      [8, 40, 3, 3],
      [8, 1, 3, 3],
    ] as const) {
      const input = [1, 8 * (weights[1] === 1 ? 1 : 5), 6, 7];
      const y = n.conv({ input, weights, pads, group: weights[1] === 1 ? 8 : 1 }, { bias, w: n.weights(weights) });
      const sum = n.op('Add', [n.tensor([1, 8, 6, 7]), y]);
      n.end(bias ? n.op('Relu', [sum]) : sum);
    }
  const both = [0, 1].map(() => n.conv({ input: [1, 9, 5, 5], weights: [4, 9, 3, 3], pads }));
  n.end(n.op('Add', both.reverse()));
  return n;
}

/** The same of transposed convolutions. */
export function floatTransposed(): OnnxNetwork {
  const n = new FloatProducts(17);
  n.output(n.quantize(n.tensor([1, 4]), 0.01, 128));
  const [op, pads] = ['ConvTranspose', [1, 1, 1, 1]];
  n.end(n.conv({ input: [1, 8, 6, 6], weights: [8, 8, 2, 2], strides: [2, 2] }, { op, bias: false }));
  n.end(n.conv({ input: [2, 16, 5, 7], weights: [16, 6, 3, 4], strides: [2, 1], pads: [1, 2, 0, 1] }, { op }));
  n.end(n.conv({ input: [1, 300, 4, 4], weights: [300, 5, 3, 3], pads, output_padding: [0, 0] }, { op }));
  const wide = { input: [1, 6, 6, 5], strides: [2, 3], output_padding: [1, 2], dilations: [2, 1] };
  n.end(n.conv({ ...wide, weights: [6, 4, 3, 3], group: 2, pads }, { op }));
  n.end(n.conv({ input: [1, 5, 6, 5], weights: [5, 1, 3, 3], strides: [2, 2], group: 5 }, { op }));
  n.end(n.conv({ input: [1, 30, 3, 5], weights: [30, 1, 1, 1], strides: [2, 2] }, { op }));
  return n;
}

/** The same of matrices, with weights that are constants of the file, and with such as a DequantizeLinear makes. */
export function floatMatrices(): OnnxNetwork {
  const n = new FloatProducts(17);
  n.output(n.quantize(n.tensor([1, 4]), 0.01, 128));
  for (const [rows, depth, columns] of [
    [1, 300, 11],
    [5, 300, 10],
    [1, 520, 8],
    [1, 30, 1],
    [3, 20, 7],
  ] as const)
    for (const isPacked of columns === 1 ? [true] : [true, false]) {
      const weights = (...dims: number[]): string => (isPacked ? n.constant(n.floats(...dims), dims) : n.weights(dims));
      const bias = n.constant(n.floats(columns), [columns]);
      n.end(n.op('MatMul', [n.tensor([rows, depth]), weights(depth, columns)]));
      n.end(n.op('Gemm', [n.tensor([rows, depth]), weights(depth, columns), bias]));
      n.end(n.op('Gemm', [n.tensor([rows, depth]), weights(columns, depth), bias], { transB: 1 }));
      n.end(n.op('Add', [bias, n.op('MatMul', [n.tensor([1, rows, depth]), weights(depth, columns)])]));
      const wide = n.constant(n.floats(columns), [1, columns]);
      n.end(n.op('Add', [n.op('MatMul', [n.tensor([2, rows, depth]), weights(depth, columns)]), wide]));
    }
  const product = n.op('MatMul', [n.tensor([3, 40]), n.weights([40, 9])]);
  n.end(n.op('Add', [n.op('Relu', [product]), n.float(0.3)]));
  return n;
}

/** Functions of float32 that no table can be: of more than a byte. */
export function floatFunctions(): OnnxNetwork {
  const n = new FloatProducts(17);
  n.output(n.quantize(n.tensor([1, 4]), 0.01, 128));
  // beyond all that is finite, and not 0
  for (const range of [1, 10, 80]) n.end(n.op('Exp', [n.op('Mul', [n.tensor([1, 999]), n.float(range)])]));
  for (const exponent of [2, 3]) n.end(n.op('Pow', [n.tensor([1, 301]), n.float(exponent)]));
  return n;
}
