import { Builder } from 'flatbuffers';
import type { Attribute } from '../../src/graph/graph.ts';
import { BUILTIN_OPERATORS, TENSOR_TYPES } from '../../src/formats/tflite/schema.ts';

export interface TfliteTensor {
  readonly name: string;
  readonly type: string;
  /** As in the file: of four dimensions NHWC. */
  readonly shape: readonly number[];
  readonly scale?: readonly number[];
  readonly zeroPoint?: readonly number[];
  /** The axis that several scales are along. */
  readonly axis?: number;
  readonly data?: Uint8Array | Int8Array | Int32Array | Float32Array;
}

export interface TfliteOperator {
  readonly op: string;
  /** Names of tensors; '' for one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly options?: Readonly<Record<string, Attribute | boolean>>;
}

export interface TfliteModel {
  readonly tensors: readonly TfliteTensor[];
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What a signature calls inputs and outputs: tensors by these names. */
  readonly signature?: Readonly<Record<'inputs' | 'outputs', Readonly<Record<string, string>>>>;
}

type Kind = 'byte' | 'int' | 'float' | 'ints';

const ACTIVATION = { fusedActivationFunction: [0, 'byte'] } as const;
const POOL = { padding: [0, 'byte'], strideW: [1, 'int'], strideH: [2, 'int'], filterWidth: [3, 'int'], filterHeight: [4, 'int'], fusedActivationFunction: [5, 'byte'] } as const; // prettier-ignore
const REDUCTION = { keepDims: [0, 'byte'] } as const;
const BLOCKS = { blockSize: [0, 'int'] } as const;

/** The options of each operator that has some: their number in the union, and the fields of the table. */
const OPTIONS: Readonly<Record<string, readonly [union: number, fields: Readonly<Record<string, readonly [number, Kind]>>]>> = {
  CONV_2D: [1, { padding: [0, 'byte'], strideW: [1, 'int'], strideH: [2, 'int'], fusedActivationFunction: [3, 'byte'], dilationWFactor: [4, 'int'], dilationHFactor: [5, 'int'] }],
  DEPTHWISE_CONV_2D: [2, { padding: [0, 'byte'], strideW: [1, 'int'], strideH: [2, 'int'], depthMultiplier: [3, 'int'], fusedActivationFunction: [4, 'byte'], dilationWFactor: [5, 'int'], dilationHFactor: [6, 'int'] }],
  AVERAGE_POOL_2D: [5, POOL],
  MAX_POOL_2D: [5, POOL],
  FULLY_CONNECTED: [8, { fusedActivationFunction: [0, 'byte'], keepNumDims: [2, 'byte'] }],
  SOFTMAX: [9, { beta: [0, 'float'] }],
  CONCATENATION: [10, { axis: [0, 'int'], fusedActivationFunction: [1, 'byte'] }],
  ADD: [11, ACTIVATION],
  RESIZE_BILINEAR: [15, { alignCorners: [2, 'byte'], halfPixelCenters: [3, 'byte'] }],
  RESHAPE: [17, { newShape: [0, 'ints'] }],
  SPACE_TO_DEPTH: [19, BLOCKS],
  MUL: [21, ACTIVATION],
  PAD: [22, {}],
  TRANSPOSE: [26, {}],
  MEAN: [27, REDUCTION],
  SUM: [27, REDUCTION],
  REDUCE_MAX: [27, REDUCTION],
  REDUCE_MIN: [27, REDUCTION],
  SUB: [28, ACTIVATION],
  SQUEEZE: [30, { squeezeDims: [0, 'ints'] }],
  STRIDED_SLICE: [32, { beginMask: [0, 'int'], endMask: [1, 'int'] }],
  TRANSPOSE_CONV: [49, { padding: [0, 'byte'], strideW: [1, 'int'], strideH: [2, 'int'], fusedActivationFunction: [3, 'byte'] }],
  RESIZE_NEAREST_NEIGHBOR: [74, { alignCorners: [0, 'byte'], halfPixelCenters: [1, 'byte'] }],
  LEAKY_RELU: [75, { alpha: [0, 'float'] }],
  MIRROR_PAD: [77, { mode: [0, 'byte'] }],
  DEPTH_TO_SPACE: [94, BLOCKS],
  BATCH_MATMUL: [101, { adjX: [0, 'byte'], adjY: [1, 'byte'] }],
}; // prettier-ignore

const DEFAULTS: Readonly<Record<string, number>> = { dilationWFactor: 1, dilationHFactor: 1 };

function vector(builder: Builder, size: 1 | 4 | 8, count: number, add: (index: number) => void): number {
  builder.startVector(size, count, size);
  for (let i = count - 1; i >= 0; i--) add(i);
  return builder.endVector();
}

const ints = (builder: Builder, values: readonly number[]): number =>
  vector(builder, 4, values.length, (i) => builder.addInt32(values[i]!));
const offsets = (builder: Builder, values: readonly number[]): number =>
  vector(builder, 4, values.length, (i) => builder.addOffset(values[i]!));

function bytes(builder: Builder, data: TfliteTensor['data']): number {
  const raw = data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(0);
  return builder.createByteVector(raw);
}

function table(builder: Builder, fields: number, fill: () => void): number {
  builder.startObject(fields);
  fill();
  return builder.endObject();
}

function quantization(builder: Builder, { scale, zeroPoint = [], axis = 0 }: TfliteTensor): number {
  if (!scale) return 0;
  const scales = vector(builder, 4, scale.length, (i) => builder.addFloat32(scale[i]!));
  const zeros = vector(builder, 8, scale.length, (i) => builder.addInt64(BigInt(zeroPoint[i] ?? zeroPoint[0] ?? 0)));
  return table(builder, 7, () => {
    builder.addFieldOffset(2, scales, 0);
    builder.addFieldOffset(3, zeros, 0);
    builder.addFieldInt32(6, axis, 0);
  });
}

function optionsOf(builder: Builder, { op, options = {} }: TfliteOperator): readonly [union: number, table: number] {
  const [union, fields] = OPTIONS[op] ?? [0, {}];
  const lists = new Map(
    Object.entries(options).flatMap(([name, value]) =>
      typeof value === 'object' ? [[name, ints(builder, value)] as const] : [],
    ),
  );
  for (const name of Object.keys(options)) if (!fields[name]) throw new Error(`${op} has no option ${name}`);
  const made = table(builder, 8, () => {
    for (const [name, [field, kind]] of Object.entries(fields)) {
      const value = Number(options[name] ?? DEFAULTS[name] ?? 0);
      if (kind === 'ints') builder.addFieldOffset(field, lists.get(name) ?? 0, 0);
      else if (kind === 'byte') builder.addFieldInt8(field, value, 0);
      else if (kind === 'float') builder.addFieldFloat32(field, value, 0);
      else builder.addFieldInt32(field, value, DEFAULTS[name] ?? 0);
    }
  });
  return [union, made];
}

/** A .tflite file, as its schema has it. */
export function writeTflite({ tensors, operators, inputs, outputs, signature }: TfliteModel): Uint8Array {
  const builder = new Builder(1024);
  const indexOf = (name: string): number => (name === '' ? -1 : tensors.findIndex((tensor) => tensor.name === name));
  // buffer 0 is empty by convention, and that of what is computed
  const stored = tensors.filter(({ data }) => data);
  const buffers = [undefined, ...stored.map(({ data }) => data)].map((data) => {
    const content = bytes(builder, data);
    return table(builder, 3, () => builder.addFieldOffset(0, content, 0));
  });
  const written = tensors.map((tensor) => {
    const [name, shape] = [builder.createString(tensor.name), ints(builder, tensor.shape)];
    const quantized = quantization(builder, tensor);
    return table(builder, 8, () => {
      builder.addFieldOffset(0, shape, 0);
      builder.addFieldInt8(1, TENSOR_TYPES.indexOf(tensor.type), 0);
      builder.addFieldInt32(2, stored.indexOf(tensor) + 1, 0);
      builder.addFieldOffset(3, name, 0);
      builder.addFieldOffset(4, quantized, 0);
    });
  });
  const kinds = [...new Set(operators.map(({ op }) => op))];
  const codes = kinds.map((op) => {
    const number = BUILTIN_OPERATORS.indexOf(op);
    return table(builder, 4, () => {
      builder.addFieldInt8(0, Math.min(number, 127), 0);
      builder.addFieldInt32(2, 1, 1);
      builder.addFieldInt32(3, number, 0);
    });
  });
  const nodes = operators.map((operator) => {
    const [from, to] = [operator.inputs, operator.outputs].map((names) => ints(builder, names.map(indexOf)));
    const [union, options] = optionsOf(builder, operator);
    return table(builder, 9, () => {
      builder.addFieldInt32(0, kinds.indexOf(operator.op), 0);
      builder.addFieldOffset(1, from!, 0);
      builder.addFieldOffset(2, to!, 0);
      builder.addFieldInt8(3, union, 0);
      builder.addFieldOffset(4, union === 0 ? 0 : options, 0);
    });
  });
  const lists = [
    offsets(builder, written),
    ints(builder, inputs.map(indexOf)),
    ints(builder, outputs.map(indexOf)),
    offsets(builder, nodes),
    builder.createString('main'),
  ];
  const subgraph = table(builder, 5, () => lists.forEach((list, field) => builder.addFieldOffset(field, list, 0)));
  const signatures = [signature].flatMap((one) => {
    if (!one) return [];
    const [from, to] = [one.inputs, one.outputs].map((called) => {
      const entries = Object.entries(called).map(([name, tensor]) => {
        const text = builder.createString(name);
        return table(builder, 2, () => {
          builder.addFieldOffset(0, text, 0);
          builder.addFieldInt32(1, indexOf(tensor), 0);
        });
      });
      return offsets(builder, entries);
    });
    const key = builder.createString('serving_default');
    return table(builder, 5, () => [from!, to!, key].forEach((list, field) => builder.addFieldOffset(field, list, 0)));
  });
  const signatureList = offsets(builder, signatures);
  const [codeList, subgraphs, bufferList] = [codes, [subgraph], buffers].map((list) => offsets(builder, list));
  const description = builder.createString('');
  const model = table(builder, 8, () => {
    builder.addFieldInt32(0, 3, 0);
    builder.addFieldOffset(1, codeList!, 0);
    builder.addFieldOffset(2, subgraphs!, 0);
    builder.addFieldOffset(3, description, 0);
    builder.addFieldOffset(4, bufferList!, 0);
    if (signature) builder.addFieldOffset(7, signatureList, 0);
  });
  builder.finish(model, 'TFL3');
  return builder.asUint8Array().slice();
}
