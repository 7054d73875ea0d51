import { Random } from '../../models/random.ts';
import { Draft, SAME, VALID, type Activation, type ByteType, type Image } from './tflite_draft.ts';
import type { TfliteModel } from './tflite_file.ts';

/** Makes an image of another one. */
type Piece = (draft: Draft, x: Activation) => Activation;

const imageOf = ({ shape }: Activation): Image => shape as unknown as Image;
const anyActivation = ({ random }: Draft): number => random.integer(0, 3);

/** Another tensor of the shape of x. */
const branch = (draft: Draft, x: Activation): Activation =>
  draft.random.chance(0.7) ? draft.conv(x, {}) : draft.constant(x.shape);

/** The second operand of a pair: of the same shape, or broadcast. */
function second(draft: Draft, x: Activation): Activation {
  const [, height, width, channels] = imageOf(x);
  const shapes = [[channels], [1, 1, 1, channels], [1, height, width, 1], [1, height, 1, 1], [1]];
  return draft.random.chance(0.6) ? branch(draft, x) : draft.constant(draft.random.pick(shapes));
}

const pair =
  (op: string, activates: boolean): Piece =>
  (draft, x) => {
    const y = second(draft, x);
    const [first, other] = draft.random.chance(0.8) ? [x, y] : [y, x];
    const scale = Math.max(x.scale[0]!, y.scale[0]!);
    const unit = op === 'MUL' ? x.scale[0]! * y.scale[0]! * 60 : op === 'SQUARED_DIFFERENCE' ? scale ** 2 * 100 : scale;
    const output = draft.activation(x.shape, unit * draft.random.scale(0.5, 2));
    return draft.node(op, [first, other], output, activates ? { fusedActivationFunction: anyActivation(draft) } : {});
  };

/** The larger or the smaller of two tensors, which have one quantization. */
const extreme =
  (op: string): Piece =>
  (draft, x) =>
    draft.node(op, [x, draft.constant(x.shape, x)], draft.like(x, x.shape));

const unary =
  (op: string, outputOf: (draft: Draft, x: Activation) => Activation, options = {}): Piece =>
  (draft, x) =>
    draft.node(op, [x], outputOf(draft, x), options);

/** Of about the input's scale. */
const near = (draft: Draft, x: Activation): Activation =>
  draft.activation(x.shape, x.scale[0]! * draft.random.scale(0.4, 2));
const fixed =
  (scale: number, zeroOf: (draft: Draft) => number) =>
  (draft: Draft, x: Activation): Activation =>
    draft.activation(x.shape, scale, zeroOf(draft));

const window = (draft: Draft, x: Activation, largest = 3) => {
  const { random } = draft;
  const [, height, width] = imageOf(x);
  const kernel = [height, width].map((length) => Math.min(random.integer(1, largest), length)) as [number, number];
  return {
    kernel,
    stride: random.integer(1, 2),
    padding: random.pick([SAME, VALID]),
    activation: anyActivation(draft),
  };
};

const pool =
  (op: 'AVERAGE_POOL_2D' | 'MAX_POOL_2D'): Piece =>
  (draft, x) =>
    draft.pool(op, x, window(draft, x));

/** Along one axis or two, which are kept or put back. */
const reduction =
  (op: string, keepsScale: boolean): Piece =>
  (draft, x) => {
    const { random } = draft;
    const axes = random.pick([[1, 2], [1, 2], [1], [2], [3], [2, 3]]);
    const [keepDims, kept] = [random.chance(0.6), x.shape.map((d, axis) => (axes.includes(axis) ? 1 : d))];
    const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
    const shape = keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis));
    const scale = x.scale[0]! * (op === 'SUM' ? Math.sqrt(count) : 1 / Math.sqrt(count)) * random.scale(0.5, 2);
    const output = keepsScale ? draft.like(x, shape) : draft.activation(shape, scale);
    const reduced = draft.node(op, [x, draft.ints(axes)], output, { keepDims });
    return keepDims ? reduced : draft.reshape(reduced, kept);
  };

/** Of int8 tensors of one quantization, which LiteRT wants. */
const concatenation: Piece = (draft, x) => {
  const { random, type } = draft;
  const other = type === 'int8' ? draft.pool('MAX_POOL_2D', x, { kernel: [2, 2] }) : draft.conv(x, {});
  const axis = random.integer(1, 3);
  const shape = x.shape.map((length, i) => (i === axis ? 2 * length : length));
  const output = type === 'int8' ? draft.like(x, shape) : draft.activation(shape, x.scale[0]!);
  return draft.node('CONCATENATION', random.chance(0.5) ? [x, other] : [other, x], output, { axis });
};

/** Of each axis [before, after]; 0 where it is of length 1, which mirrors nothing. */
const paddings = ({ random }: Draft, x: Activation): number[][] =>
  x.shape.map((length, axis) => (axis === 0 || length < 2 ? [0, 0] : [random.integer(0, 1), random.integer(0, 1)]));
const padding =
  (op: string): Piece =>
  (draft, x) => {
    const around = paddings(draft, x);
    const amounts = draft.ints(around.flat(), [4, 2]);
    const output = draft.like(
      x,
      x.shape.map((d, axis) => d + around[axis]![0]! + around[axis]![1]!),
    );
    const value = op === 'PADV2' ? [draft.constant([1], x)] : [];
    return draft.node(
      op,
      [x, amounts, ...value],
      output,
      op === 'MIRROR_PAD' ? { mode: draft.random.integer(0, 1) } : {},
    );
  };

const slice: Piece = (draft, x) => {
  const begin = x.shape.map((length, axis) => (axis === 0 ? 0 : draft.random.integer(0, Math.floor((length - 1) / 3))));
  const sizes = x.shape.map((length, axis) =>
    draft.random.integer(Math.ceil((length - begin[axis]!) / 2), length - begin[axis]!),
  );
  return draft.node('SLICE', [x, draft.ints(begin), draft.ints(sizes)], draft.like(x, sizes));
};

const stridedSlice: Piece = (draft, x) => {
  const steps = [1, ...[0, 1, 2].map(() => draft.random.integer(1, 2))];
  const shape = x.shape.map((length, axis) => Math.ceil(length / steps[axis]!));
  const operands = [[0, 0, 0, 0], x.shape, steps].map((values) => draft.ints(values));
  return draft.node('STRIDED_SLICE', [x, ...operands], draft.like(x, shape), { endMask: draft.random.pick([0, 15]) });
};

const transpose: Piece = (draft, x) => {
  const order = draft.random.pick([
    [0, 2, 1, 3],
    [0, 3, 1, 2],
    [0, 1, 3, 2],
    [0, 3, 2, 1],
  ]);
  return draft.node(
    'TRANSPOSE',
    [x, draft.ints(order)],
    draft.like(
      x,
      order.map((axis) => x.shape[axis]!),
    ),
  );
};

const spaceToDepth: Piece = (draft, x) => {
  const [batch, height, width, channels] = imageOf(x);
  const block = height % 2 === 0 && width % 2 === 0 ? 2 : 1;
  const output = draft.like(x, [batch, height / block, width / block, channels * block ** 2]);
  return draft.node('SPACE_TO_DEPTH', [x], output, { blockSize: block });
};
const depthToSpace: Piece = (draft, x) => {
  const wide = draft.conv(x, { channels: 4 * draft.random.integer(1, 3) });
  const [batch, height, width, channels] = imageOf(wide);
  const output = draft.like(wide, [batch, height * 2, width * 2, channels / 4]);
  return draft.node('DEPTH_TO_SPACE', [wide], output, { blockSize: 2 });
};

const resize =
  (op: string): Piece =>
  (draft, x) => {
    const { random } = draft;
    const sizes = [random.integer(2, 9), random.integer(2, 9)];
    const [alignCorners, halfPixelCenters] = random.pick([
      [false, false],
      [true, false],
      [false, true],
    ]) as [boolean, boolean];
    const output = draft.like(x, [x.shape[0]!, ...sizes, x.shape[3]!]);
    return draft.node(op, [x, draft.ints(sizes)], output, { alignCorners, halfPixelCenters });
  };

/** Without a dimension of 1, and with it again. */
const squeezed: Piece = (draft, x) => {
  const [batch, height, width, channels] = imageOf(x);
  const row = draft.reshape(x, [batch, 1, height * width, channels]);
  const flat = draft.node('SQUEEZE', [row], draft.like(x, [batch, height * width, channels]), { squeezeDims: [1] });
  return draft.node('EXPAND_DIMS', [flat, draft.ints([1])], draft.like(x, row.shape));
};

/** Rows and columns as one dimension, times a matrix that is computed, too. */
const matmul: Piece = (draft, x) => {
  const [batch, height, width, channels] = imageOf(x);
  const rows = draft.reshape(x, [batch, height * width, channels]);
  const made = draft.conv(x, { channels: draft.random.integer(1, 9) });
  const [adjX, other] = [true, draft.reshape(made, [batch, height * width, made.shape[3]!])];
  const scale = x.scale[0]! * made.scale[0]! * 60 * Math.sqrt(height * width);
  const output = draft.activation([batch, channels, made.shape[3]!], scale);
  return draft.reshape(draft.node('BATCH_MATMUL', [rows, other], output, { adjX, adjY: false }), [
    batch,
    1,
    channels,
    made.shape[3]!,
  ]);
};

/** 1 / sqrt of numbers that are not below 0. */
const inverseRoot: Piece = (draft, x) => {
  const positive = draft.node('QUANTIZE', [x], draft.activation(x.shape, x.scale[0], draft.least));
  return draft.node('RSQRT', [positive], draft.activation(x.shape, 0.05));
};

const PIECES: readonly Piece[] = [
  (draft, x) => draft.conv(x, { ...window(draft, x), channels: draft.random.integer(1, 20) }),
  (draft, x) => draft.conv(x, { channels: draft.random.integer(1, 20), kernel: [3, 3], dilation: 2 }),
  (draft, x) => draft.depthwise(x, window(draft, x, 5)),
  (draft, x) => draft.depthwise(x, { kernel: [3, 3], multiplier: draft.random.integer(1, 2) }),
  (draft, x) => draft.transposeConv(x, { channels: draft.random.integer(1, 17), stride: draft.random.integer(1, 2), kernel: [draft.random.integer(2, 3), 3], bias: draft.random.chance(0.5) }),
  (draft, x) => draft.dense(x, draft.random.integer(1, 20), { flat: false, activation: anyActivation(draft) }),
  (draft, x) => draft.reshape(draft.dense(x, 36), [x.shape[0]!, 3, 4, 3]),
  pair('ADD', true),
  pair('ADD', true),
  pair('SUB', true),
  pair('MUL', true),
  extreme('MAXIMUM'),
  extreme('MINIMUM'),
  (draft, x) => draft.node('PRELU', [x, draft.constant([1, 1, x.shape[3]!])], near(draft, x)),
  pool('AVERAGE_POOL_2D'),
  pool('MAX_POOL_2D'),
  reduction('MEAN', false),
  reduction('MEAN', false),
  reduction('SUM', false),
  reduction('REDUCE_MAX', true),
  reduction('REDUCE_MIN', true),
  concatenation,
  padding('PAD'),
  padding('PADV2'),
  padding('MIRROR_PAD'),
  slice,
  stridedSlice,
  transpose,
  spaceToDepth,
  depthToSpace,
  resize('RESIZE_NEAREST_NEIGHBOR'),
  resize('RESIZE_BILINEAR'),
  squeezed,
  (draft, x) => draft.softmax(x),
  unary('LOGISTIC', fixed(1 / 256, ({ least }) => least)),
  unary('TANH', fixed(1 / 128, ({ least }) => least + 128)),
  unary('HARD_SWISH', near),
  unary('RELU', near),
  unary('RELU6', near),
  unary('RELU_N1_TO_1', near),
  unary('LEAKY_RELU', near, { alpha: 0.3 }),
  unary('QUANTIZE', (draft, x) => draft.activation(x.shape, x.scale[0]! * draft.random.scale(0.3, 3))),
]; // prettier-ignore

/** Of which LiteRT has kernels for int8 alone. */
const INT8: readonly Piece[] = [pair('SQUARED_DIFFERENCE', false), unary('ABS', near), inverseRoot, matmul];

const PIECES_A_NETWORK = 8;

/** Every kind of piece once, in any order, in networks of some pieces each. */
export function drawnNetworks(type: ByteType, seed: number): TfliteModel[] {
  const random = new Random(seed);
  const rest = [...PIECES, ...(type === 'int8' ? INT8 : [])];
  const models: TfliteModel[] = [];
  while (rest.length > 0) {
    const draft = new Draft(random, type);
    const shape = [random.pick([1, 1, 2]), random.integer(4, 9), random.integer(4, 9), random.integer(1, 18)];
    const isReal = random.chance(0.5);
    let x = isReal ? draft.floatInput(shape) : draft.input(shape);
    for (let i = 0; i < PIECES_A_NETWORK && rest.length > 0; i++)
      x = rest.splice(random.integer(0, rest.length - 1), 1)[0]!(draft, x);
    if (isReal) draft.dequantize(x);
    models.push(draft.model());
  }
  return models;
}
