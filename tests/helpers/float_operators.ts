import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxTensor } from '../../models/onnx_writer.ts';
import { Random } from '../../models/random.ts';
import { elementCount } from '../../src/graph/graph.ts';

/** A small graph of float32 operators, whose every float tensor is an output, and the values of its input x. */
export interface SmallGraph {
  readonly what: string;
  readonly model: OnnxModel;
  readonly values: readonly number[];
}

/** An operator: its first operand is x, or what the one before it gave. */
type Op = readonly [
  op: string,
  constants?: readonly OnnxTensor[],
  attributes?: Readonly<Record<string, OnnxAttribute>>,
];

let constants = 0;
const constant = (data: OnnxTensor['data'], dims: readonly number[] = [data.length]): OnnxTensor => ({
  ...{ name: `c${constants++}`, dims, data },
});
const floats = (values: readonly number[], dims?: readonly number[]): OnnxTensor =>
  constant(Float32Array.from(values), dims);

const integers = (values: readonly number[]): OnnxTensor => constant(BigInt64Array.from(values, BigInt));
/** An operand that is left out. */
const NONE: OnnxTensor = { name: '', dims: [0], data: new Float32Array() };

/** Operators in a row, and a DynamicQuantizeLinear behind each that gives floats. */
function smallGraph(
  dims: readonly number[],
  values: (i: number) => number,
  ops: readonly Op[],
  operatorSet = 17,
): SmallGraph {
  const nodes: OnnxNode[] = [];
  const outputs: OnnxModel['outputs'][number][] = [];
  const add = (
    op: string,
    inputs: readonly string[],
    names: readonly string[],
    attributes: OnnxNode['attributes'] = {},
  ) => nodes.push({ name: names[0]!, op, domain: '', inputs, outputs: names, attributes });
  let last = 'x';
  for (const [i, [op, operands = [], attributes]] of ops.entries()) {
    const y = `y${i}`;
    add(op, [last, ...operands.map(({ name }) => name)], [y], attributes);
    last = y;
    const type = op === 'QuantizeLinear' ? (operands[1]!.data instanceof Int8Array ? 'int8' : 'uint8') : 'float32';
    // once int8 between the two becomes uint8, where nobody else sees it
    const isPair = [op, ops[i + 1]?.[0]].includes('DequantizeLinear');
    if (!isPair) outputs.push({ name: y, type });
  }
  const isBytes = ops.at(-1)?.[0] === 'QuantizeLinear';
  add('DynamicQuantizeLinear', [isBytes ? 'x' : last], ['q', 's', 'z']);
  outputs.push({ name: 'q', type: 'uint8' }, { name: 's', type: 'float32' }, { name: 'z', type: 'uint8' });
  return {
    what: `${ops.map(([op, , attributes]) => op + (attributes ? JSON.stringify(attributes) : '')).join(', ')} of [${dims.join(', ')}]`,
    model: {
      ...{ name: 'small', description: '', operatorSet, nodes, outputs },
      inputs: [{ name: 'x', type: 'float32', dims }],
      constants: [...new Set(ops.flatMap(([, operands = []]) => operands))].filter((operand) => operand !== NONE),
    },
    values: Array.from({ length: elementCount(dims) }, (_, i) => Math.fround(values(i))),
  };
}

const SPECIAL = [
  ...[0, 1e-45, 2e-45, 1e-40, 1.1754943508222875e-38, 2.3e-38, 1e-30, 1e-10, 1 / 3, 1, 3, 255, 2 ** 23 + 1],
  ...[1e20, 2e38, 3.4028234663852886e38, Infinity],
].flatMap((x) => [x, -x]);
/** Where functions change, and all between. */
const VALUES = [
  ...SPECIAL,
  ...Array.from({ length: 118 }, (_, i) => (i - 59) / 3 + 0.001),
  ...[0.921875, 3.925, 9, 18, 88.3762626647949, 2.5, 3].flatMap((x) => [x, -x, x * (1 + 2 ** -23), x * (1 - 2 ** -23)]),
];
const at = (values: readonly number[], i: number): number => values[i % values.length]!;
/** Large and small ones, so that the order of a sum shows. */
const uneven = (i: number): number => ((i * 29) % 17) * 3 ** ((i * 7) % 11) * (i % 3 ? 1 : -1) + 0.1;
const zeros = (i: number): number => (i % 2 ? 0 : -0);
const attributes = (values: Readonly<Record<string, number>>): Record<string, OnnxAttribute> =>
  Object.fromEntries(Object.entries(values).map(([key, float]) => [key, { float: Math.fround(float) }]));

const FUNCTIONS: readonly Op[] = [
  ...['Sqrt', 'Reciprocal', 'Neg', 'Abs', 'Relu', 'Erf', 'Tanh', 'Sigmoid', 'HardSwish'].map((op): Op => [op]),
  ['HardSigmoid', [], attributes({ alpha: 0.3, beta: 0.4 })],
  ['LeakyRelu', [], attributes({ alpha: 0.1 })],
  ['PRelu', [floats([0.3, -0.7, 1.3], [3, 1, 1])]],
  ['Clip', [floats([-1.5], []), floats([2.5], [])]],
];
const K = SPECIAL.length;
const WINDOWS = [
  { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
  { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1, strides: [2, 2] },
  { kernel_shape: [2, 3], strides: [3, 3] },
  { kernel_shape: [2, 2], strides: [2, 1], pads: [0, 1, 1, 0] },
  { kernel_shape: [5, 7] },
];
const pool = (op: string, { count_include_pad, ...window }: (typeof WINDOWS)[number]): Op => [
  op,
  [],
  { ...window, ...(count_include_pad && op === 'AveragePool' ? { count_include_pad } : {}) },
];
const INT8 = [floats([0.1], []), constant(Int8Array.of(-20), [])];
const bytes = (values: readonly number[]): OnnxTensor => constant(Uint8Array.from(values), []);

/** int32 sums of 2^24 and more, which float32 rounds. */
function largeSums(): SmallGraph {
  const [rows, length] = [4, 600];
  const weights = constant(
    Int8Array.from({ length: 3 * length }, (_, i) => [127, -128, (i * 7) % 128][i % 3]!),
    [length, 3],
  );
  const values = Array.from({ length: rows * length }, (_, i) => Math.fround(1 - ((i * 11) % 13) / 1000));
  const node = (op: string, inputs: readonly string[], outputs: readonly string[], to?: number): OnnxNode => ({
    ...{ name: op, op, domain: '', inputs, outputs, attributes: to === undefined ? {} : { to } },
  });
  return {
    what: 'sums of 2^24 and more',
    model: {
      ...{ name: 'sums', description: '', constants: [weights] },
      inputs: [{ name: 'x', type: 'float32', dims: [rows, length] }],
      nodes: [
        node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
        node('MatMulInteger', ['q', weights.name, 'z'], ['sums']),
        node('Cast', ['sums'], ['y'], 1),
      ],
      outputs: [
        { name: 'sums', type: 'int32' },
        { name: 'y', type: 'float32' },
      ],
    },
    values,
  };
}

/** Ranges whose zero point is a tie as float32 has it, and none as it is: with rounding once more it is another one. */
function rangesAtTies(): [low: number, high: number][] {
  const f32 = Math.fround;
  const random = new Random(1);
  const found: [number, number][] = [];
  while (found.length < 4) {
    const [tie, step] = [random.integer(1, 253) + 0.5, random.scale(0.001, 10)];
    const [low, high] = [f32(-tie * step), f32((255 - tie) * step)];
    const exact = -low / f32(f32(high - low) / 255);
    const isUp = exact > tie;
    if (f32(exact) === tie && exact !== tie && isUp === (Math.floor(tie) % 2 === 0)) found.push([low, high]);
  }
  return found;
}

/** Every float32 operator where its values are decided, NaN and infinities among them. */
export const SMALL_GRAPHS: readonly SmallGraph[] = [
  // NaN, too: the root of what is below 0
  ...FUNCTIONS.flatMap((f) => [
    smallGraph([1, 3, 9, 7], (i) => at(VALUES, i), [f]),
    smallGraph([1, 3, 2, 5], (i) => (i % 10) - 5, [['Sqrt'], f]),
  ]),
  ...['Add', 'Sub', 'Mul', 'Div'].map((op) =>
    smallGraph([1, 1, K, K], (i) => SPECIAL[Math.floor(i / K)]!, [[op, [floats(SPECIAL)]]]),
  ),
  ...[[], [1], [4], [5, 1, 1], [3, 1], [5, 3, 4], [1, 5, 1, 1], [2, 1, 1, 1], [1, 1, 3, 4]].flatMap((dims) => {
    const values = Array.from({ length: elementCount(dims) }, (_, i) => ((i * 7) % 5) - 1.7);
    return smallGraph([2, 5, 3, 4], (i) => ((i * 13) % 29) / 7 - 2, [['Sub', [floats(values, dims)]]]);
  }),
  ...[0, 1, 2, 3].map((axis) =>
    smallGraph([3, 9, 6, 4], (i) => ((i * 31) % 37) / 3 - (i % 5 ? 0 : 90), [['Softmax', [], { axis }]]),
  ),
  smallGraph([6, 7], () => 2.5, [['Softmax', [], { axis: 1 }]]),
  // one row of all dimensions from the axis on
  smallGraph([3, 1, 1, 7], uneven, [['Softmax', [], { axis: 1 }]], 12),
  smallGraph([6, 7], (i) => at([-Infinity, 1, 2, Infinity, -3.4e38, 3.4e38, 0], i * 3), [['Softmax', [], { axis: 1 }]]),
  smallGraph([3, 6], (i) => i - 6, [['Sqrt'], ['Softmax', [], { axis: 1 }]]),
  ...WINDOWS.flatMap((window) => [
    smallGraph([2, 3, 5, 7], uneven, [pool('AveragePool', window)], 13),
    smallGraph([2, 3, 5, 7], uneven, [pool('AveragePool', window)], 19),
    smallGraph([1, 3, 5, 7], (i) => (i % 4 ? -i : zeros(i >> 2)), [pool('MaxPool', window)]),
    smallGraph([1, 2, 5, 7], zeros, [pool('MaxPool', window)]),
    smallGraph([1, 2, 5, 7], () => -Infinity, [pool('MaxPool', window)]),
    smallGraph([1, 2, 5, 7], (i) => i - 20, [['Sqrt'], pool('MaxPool', window)]),
  ]),
  smallGraph([2, 3, 5, 7], uneven, [['GlobalAveragePool']]),
  smallGraph([2, 3, 5, 7], uneven, [['ReduceMean', [], { axes: [2, 3] }]], 13),
  smallGraph([2, 3, 4, 5], uneven, [['ReduceMax', [], { axes: [2, 3] }]], 13),
  smallGraph([1, 3, 2, 3], zeros, [['ReduceMax', [], { axes: [2, 3], keepdims: 0 }]], 13),
  smallGraph([1, 3, 2, 3], (i) => i - 8, [['Sqrt'], ['ReduceMax', [], { axes: [2, 3] }]], 13),
  ...['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'].map((coordinate_transformation_mode) =>
    smallGraph([2, 3, 4, 5], uneven, [
      ['Resize', [NONE, NONE, integers([2, 3, 7, 3])], { mode: 'linear', coordinate_transformation_mode }],
    ]),
  ),
  // NaN in the last places alone, which onnxruntime does not see
  smallGraph([1, 9], (i) => 7 - i, [['Sqrt']]),
  smallGraph([1, 5, 1, 2], (i) => 8.5 - i, [['Sqrt']]),
  smallGraph([1, 5, 1, 2], (i) => 7.5 - i, [['Sqrt']]),
  ...[() => 0, zeros, () => 3, () => -3, (i: number) => -i, (i: number) => at(SPECIAL, i)].map((values) =>
    smallGraph([1, 6, 3, 5], values, []),
  ),
  largeSums(),
  ...rangesAtTies().map((ends) => smallGraph([1, 2], (i) => ends[i]!, [])),
  smallGraph([1, 9], (i) => i - 4, [['Sqrt'], ['QuantizeLinear', [floats([0.1], []), bytes([7])]]]),
  smallGraph([1, 9], (i) => i - 4, [
    ['Sqrt'],
    ['QuantizeLinear', [floats([0.1], []), constant(Int8Array.of(-20), [])]],
  ]),
  smallGraph([1, 9], (i) => i - 4, [['Sqrt'], ['QuantizeLinear', INT8], ['DequantizeLinear', INT8]]),
];
