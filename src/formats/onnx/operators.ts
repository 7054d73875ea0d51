import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import {
  isByteType,
  type Attribute,
  type Constant,
  type GraphNode,
  type Quantization,
  type QuantizedType,
} from '../../graph/graph.ts';
import { CONSTANT_OPERATORS, foldConstants } from '../../graph/fold.ts';
import type { OnnxNode } from './proto.ts';
import { readConstant } from './tensors.ts';

/** The graph under construction: what converters of single operators read and write. */
export interface GraphBuilder {
  readonly opset: number;
  readonly constants: Map<string, Constant>;
  readonly nodes: GraphNode[];
  /** Those of 8 bits that nodes compute, with their quantization. */
  readonly tensors: ReadonlyMap<string, QuantizedType>;
  /** Elements that follow from constants. */
  spend(elements: number, where: string): void;
  constant(name: string, what: string): Constant;
  /** Records the quantization of an 8-bit tensor; a constant is given it too. */
  quantize(tensor: string, quantization: QuantizedType['quantization'], type: 'uint8' | 'int8' | 'int32'): string;
}

type Converter = (node: OnnxNode, name: string, builder: GraphBuilder) => void;

/** `supported` values of an attribute; anything else is refused by name. */
function require(node: string, attribute: string, got: unknown, supported: readonly unknown[]): void {
  if (!supported.includes(got))
    throw new UnsupportedModelError(
      `node '${node}': attribute ${attribute} = ${JSON.stringify(got)}; supported: ${supported.map((s) => JSON.stringify(s)).join(', ')}`,
    );
}

function attributesOf(node: OnnxNode, name: string): Record<string, Attribute> {
  const attributes: Record<string, Attribute> = {};
  for (const [key, a] of node.attributes) {
    if (a.isGraph) throw new UnsupportedModelError(`node '${name}' (${node.opType}): attribute ${key} is a sub-graph`);
    if (a.ints.length) attributes[key] = a.ints;
    else if (a.floats.length) attributes[key] = a.floats;
    else if (a.s !== undefined) attributes[key] = a.s;
    else if (a.i !== undefined) attributes[key] = a.i;
    else if (a.f !== undefined) attributes[key] = a.f;
    else if (a.t === undefined) attributes[key] = 0;
  }
  return attributes;
}

function operand(node: OnnxNode, name: string, index: number): string {
  const tensor = node.inputs[index];
  if (!tensor) throw new InvalidModelError(`node '${name}' (${node.opType}) has no operand ${index}`);
  return tensor;
}

function scaleAndZeroPoint(
  builder: GraphBuilder,
  node: OnnxNode,
  name: string,
  scaleIndex: number,
  axis: number,
  without: QuantizedType['type'] = 'uint8',
  least = Number.MIN_VALUE,
): { quantization: Quantization; type: 'uint8' | 'int8' | 'int32' } {
  const scale = builder.constant(operand(node, name, scaleIndex), `scale of node '${name}'`);
  const zeroName = node.inputs[scaleIndex + 1];
  const zero = zeroName ? builder.constant(zeroName, `zero point of node '${name}'`) : undefined;
  if (!(scale.data instanceof Float32Array))
    throw new UnsupportedModelError(`node '${name}': scale '${scale.name}' is ${scale.type}; supported: float32`);
  if (!scale.data.every((s) => s >= least && Number.isFinite(s)))
    throw new UnsupportedModelError(`node '${name}': scale '${scale.name}' is not positive and finite throughout`);
  const type = zero ? zero.type : without;
  if (!isByteType(type) && type !== 'int32')
    throw new UnsupportedModelError(`node '${name}': zero point of type ${type}; supported: uint8, int8, int32`);
  const zeroPoint = new Int32Array(scale.data.length);
  if (zero) {
    if (zero.data.length !== scale.data.length && zero.data.length !== 1)
      throw new InvalidModelError(`node '${name}': ${zero.data.length} zero points for ${scale.data.length} scales`);
    for (let i = 0; i < zeroPoint.length; i++) zeroPoint[i] = Number(zero.data[zero.data.length === 1 ? 0 : i]);
  }
  const quantization: Quantization = { scale: scale.data, zeroPoint, ...(scale.data.length > 1 ? { axis } : {}) };
  return { quantization, type };
}

/**
 * ONNX asks for a zero point of the scale's shape. Where one is a scalar and the other a list of one, onnxruntime runs
 * the operator behind in float32; of a bias, as quantize_static writes it, it does not care.
 */
function expectEqualShapes(builder: GraphBuilder, node: OnnxNode, name: string): void {
  if (builder.constants.get(node.inputs[0] ?? '')?.type === 'int32') return;
  const [scale, zero] = [node.inputs[1], node.inputs[2]].map((input) => input && builder.constants.get(input)?.shape);
  if (scale && zero && scale.length !== zero.length)
    throw new UnsupportedModelError(
      `node '${name}' (${node.opType}): a zero point of shape [${zero.join(', ')}] for a scale of shape [${scale.join(', ')}]; ` +
        'supported: equal shapes',
    );
}

/** A node of the same name, attributes unchanged. */
const plain: Converter = (node, name, builder) => {
  builder.nodes.push({
    name,
    op: node.opType,
    inputs: node.inputs,
    outputs: node.outputs,
    attributes: attributesOf(node, name),
  });
};

/**
 * An operator that carries the quantization of its tensors in operands: (tensor, scale, zero point)
 * triples become `quantization` of the tensors.
 *
 * @param operands index of each tensor among the operands; its scale and zero point follow it
 * @param output index of the output's scale
 * @param mayBeReal is the output float32 where its scale is left out?
 */
const quantized =
  (op: string, operands: readonly number[], output: number, bias?: number, mayBeReal = false): Converter =>
  (node, name, builder) => {
    const inputs = operands.map((index) => {
      // a channel of weights may be nothing
      const least = builder.constants.has(operand(node, name, index)) ? 0 : Number.MIN_VALUE;
      const { quantization, type } = scaleAndZeroPoint(builder, node, name, index + 1, 0, 'uint8', least);
      return builder.quantize(operand(node, name, index), quantization, type);
    });
    if (node.inputs[output] || !mayBeReal) {
      const result = scaleAndZeroPoint(builder, node, name, output, 0);
      builder.quantize(node.outputs[0]!, result.quantization, result.type);
    }
    if (bias !== undefined && node.inputs[bias]) inputs.push(node.inputs[bias]);
    builder.nodes.push({ name, op, inputs, outputs: node.outputs, attributes: attributesOf(node, name) });
  };

/** A pool of bytes; one whose pixels have their channels last stands between Transposes. */
const quantizedPool =
  (op: string): Converter =>
  (node, name, builder) => {
    const { channels_last: channelsLast = 0 } = attributesOf(node, name);
    require(name, 'channels_last', channelsLast, [0, 1]);
    const attributes = new Map([...node.attributes].filter(([key]) => key !== 'channels_last'));
    const convert = quantized(op, [0], 3);
    if (!channelsLast) return convert({ ...node, attributes }, name, builder);
    const [x, y] = [operand(node, name, 0), node.outputs[0]!];
    const transpose = (from: string, to: string, scale: number, perm: readonly number[]): void => {
      const { quantization, type } = scaleAndZeroPoint(builder, node, name, scale, 0);
      const [inputs, outputs] = [from, to].map((tensor) => [builder.quantize(tensor, quantization, type)]);
      builder.nodes.push({ name, op: 'Transpose', inputs: inputs!, outputs: outputs!, attributes: { perm } });
    };
    const [first, result] = [`${x}.${name}.nchw`, `${y}.nchw`];
    transpose(x, first, 1, [0, 3, 1, 2]);
    convert({ ...node, inputs: [first, ...node.inputs.slice(1)], outputs: [result], attributes }, name, builder);
    transpose(result, y, 3, [0, 2, 3, 1]);
  };

const quantizeLinear: Converter = (node, name, builder) => {
  const attributes = attributesOf(node, name);
  require(name, 'block_size', attributes['block_size'] ?? 0, [0]);
  const axis = Number(attributes['axis'] ?? 1);
  expectEqualShapes(builder, node, name);
  const { quantization, type } = scaleAndZeroPoint(builder, node, name, 1, axis);
  builder.quantize(node.outputs[0]!, quantization, type);
  builder.nodes.push({
    name,
    op: 'QuantizeLinear',
    inputs: [operand(node, name, 0)],
    outputs: node.outputs,
    attributes: {},
  });
};

const dequantizeLinear: Converter = (node, name, builder) => {
  const attributes = attributesOf(node, name);
  require(name, 'block_size', attributes['block_size'] ?? 0, [0]);
  const axis = Number(attributes['axis'] ?? 1);
  expectEqualShapes(builder, node, name);
  const input = operand(node, name, 0);
  const without = builder.constants.get(input)?.type;
  const { quantization, type } = scaleAndZeroPoint(builder, node, name, 1, axis, without as 'uint8' | undefined);
  const inputs = [builder.quantize(input, quantization, type)];
  builder.nodes.push({ name, op: 'DequantizeLinear', inputs, outputs: node.outputs, attributes: {} });
};

const constant: Converter = (node, name, builder) => {
  const value = node.attributes.get('value')?.t;
  const output = node.outputs[0];
  if (!value || output === undefined)
    throw new UnsupportedModelError(`node '${name}' (Constant): only the attribute 'value' is supported`);
  builder.constants.set(output, readConstant(value, output));
};

/** What it is filled with is a tensor of one value. */
const constantOfShape: Converter = (node, name, builder) => {
  const { dataType, ...value } = node.attributes.get('value')?.t ?? { dataType: 1 };
  const data = 'dims' in value ? readConstant({ ...value, dataType }, name).data : [0];
  const attributes = { value_type: dataType, value: Number(data[0]) };
  builder.nodes.push({ name, op: 'ConstantOfShape', inputs: node.inputs, outputs: node.outputs, attributes });
};

const gemm: Converter = (node, name, builder) => {
  const { alpha = 1, beta = 1, transA = 0, ...attributes } = attributesOf(node, name);
  require(name, 'alpha', alpha, [1]);
  require(name, 'beta', beta, [1]);
  require(name, 'transA', transA, [0]);
  builder.nodes.push({ name, op: 'Gemm', inputs: node.inputs, outputs: node.outputs, attributes });
};

const qgemm: Converter = (node, name, builder) => {
  const { alpha = 1, transA = 0 } = attributesOf(node, name);
  require(name, 'alpha', alpha, [1]);
  require(name, 'transA', transA, [0]);
  // QGemm keeps the bias between the operands and the output's scale
  quantized(
    'Gemm',
    [0, 3],
    7,
    6,
    true,
  )({ ...node, attributes: new Map([...node.attributes].filter(([key]) => key === 'transB')) }, name, builder);
};

/** Each becomes a node of its own. */
const MOST_MATRICES = 256;

/** With a matrix of weights for each index of the first dimension: a product for each, concatenated. */
const qlinearMatMul: Converter = (node, name, builder) => {
  const convert = quantized('MatMul', [0, 3], 6);
  const weight = builder.constants.get(operand(node, name, 3));
  const [count = 0, rows = 0, columns = 0] = weight?.shape ?? [];
  if (!weight || weight.shape.length !== 3) return convert(node, name, builder);
  if (count > MOST_MATRICES)
    throw new UnsupportedModelError(
      `node '${name}' (QLinearMatMul): ${count} matrices of weights; supported: up to ${MOST_MATRICES}`,
    );
  const [x, y] = [operand(node, name, 0), node.outputs[0]!];
  const input = scaleAndZeroPoint(builder, node, name, 1, 0);
  const output = scaleAndZeroPoint(builder, node, name, 6, 0);
  builder.quantize(x, input.quantization, input.type);
  builder.quantize(y, output.quantization, output.type);
  // one row of the first dimension each: Split refuses an input with more or fewer of them
  const sizes = `${name}.sizes`;
  const ones = BigInt64Array.from({ length: count }, () => 1n);
  builder.constants.set(sizes, { name: sizes, type: 'int64', shape: [count], data: ones });
  const products = Array.from({ length: count }, (_, i) => {
    const [part, matrix, product] = [`${x}.${name}.${i}`, `${weight.name}.${name}.${i}`, `${y}.${name}.${i}`];
    const data = weight.data.slice(i * rows * columns, (i + 1) * rows * columns);
    builder.constants.set(matrix, { ...weight, name: matrix, shape: [rows, columns], data });
    builder.quantize(part, input.quantization, input.type);
    builder.nodes.push({
      name: `${name}.split.${i}`,
      op: 'Split',
      inputs: [x, sizes],
      outputs: [part],
      attributes: { axis: 0, part: i, parts: count },
    });
    const operands = [part, ...node.inputs.slice(1, 3), matrix, ...node.inputs.slice(4)];
    convert({ ...node, inputs: operands, outputs: [product] }, `${name}.${i}`, builder);
    return product;
  });
  builder.nodes.push({ name, op: 'Concat', inputs: products, outputs: [y], attributes: { axis: 0 } });
};

/** Y_scale, Y_zero_point, then tensor, scale and zero point of each operand. */
const qlinearConcat: Converter = (node, name, builder) => {
  const indices = Array.from({ length: Math.floor((node.inputs.length - 2) / 3) }, (_, i) => 2 + 3 * i);
  quantized('Concat', indices, 0)(node, name, builder);
};

/** One node for each output, which take a part of the input each. */
const split: Converter = (node, name, builder) => {
  const attributes = { ...attributesOf(node, name), parts: node.outputs.length };
  for (const [part, output] of node.outputs.entries())
    builder.nodes.push({
      name: part === 0 ? name : `${name}.${part}`,
      op: 'Split',
      inputs: node.inputs,
      outputs: [output],
      attributes: { ...attributes, part },
    });
};

/** Before operator set 13 the axis is 1 without one. */
const softmax: Converter = (node, name, builder) => {
  const { opset } = builder;
  const attributes = { axis: opset < 13 ? 1 : -1, ...attributesOf(node, name), opset };
  builder.nodes.push({ name, op: 'Softmax', inputs: node.inputs, outputs: node.outputs, attributes });
};

/** In what order floats are summed depends on the operator set. */
const averagePool: Converter = (node, name, builder) => {
  const attributes = { ...attributesOf(node, name), opset: builder.opset };
  builder.nodes.push({ name, op: 'AveragePool', inputs: node.inputs, outputs: node.outputs, attributes });
};

/** Before operator set 11 the value of a Pad is an attribute. */
const pad: Converter = (node, name, builder) => {
  const { value, ...attributes } = attributesOf(node, name);
  const inputs = [...node.inputs];
  if (value !== undefined && value !== 0) {
    const constant = `${name}.value`;
    builder.constants.set(constant, {
      name: constant,
      type: 'float32',
      shape: [],
      data: Float32Array.of(Number(value)),
    });
    inputs.splice(1, 2, '', constant);
  }
  builder.nodes.push({ name, op: 'Pad', inputs, outputs: node.outputs, attributes });
};

/** Operator set 10 (and Upsample) has scales as operand 1, and rounds down. */
const resize: Converter = (node, name, builder) => {
  const { mode = 'nearest' } = attributesOf(node, name);
  const op = mode === 'linear' ? 'ResizeLinear' : 'Resize';
  if (node.opType === 'Resize' && builder.opset > 10) return plain({ ...node, opType: op }, name, builder);
  const scales = builder.constants.get(operand(node, name, 1));
  if (scales?.data.some((scale) => Number(scale) < 1))
    throw new UnsupportedModelError(
      `node '${name}' (${node.opType}): scales below 1; supported in operator set 10: from 1`,
    );
  builder.nodes.push({
    name,
    op,
    inputs: [operand(node, name, 0), '', operand(node, name, 1)],
    outputs: node.outputs,
    attributes: { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  });
};

/** What follows from the range of a tensor: that, the scale and the zero point, and the bytes, a node each. */
const dynamicQuantizeLinear: Converter = (node, name, builder) => {
  const x = operand(node, name, 0);
  const [y, scale, zero] = node.outputs as [string, string, string];
  const range = `${y}.range`;
  const push = (op: string, inputs: readonly string[], output: string, part = ''): void => {
    builder.nodes.push({ name: `${name}${part}`, op, inputs, outputs: [output], attributes: {} });
  };
  push('DynamicRange', [x], range, '.range');
  push('DynamicScale', [range], scale, '.scale');
  push('DynamicZeroPoint', [range, scale], zero, '.zero_point');
  push('DynamicQuantizeLinear', [x, scale, zero], y);
};

/** Of other exponents the arithmetic is not known. */
const pow: Converter = (node, name, builder) => {
  const exponent = builder.constants.get(operand(node, name, 1));
  const value = exponent?.type === 'float32' && exponent.data.length === 1 ? exponent.data[0] : undefined;
  if (value !== 2 && value !== 3)
    throw new UnsupportedModelError(
      `node '${name}' (Pow): an exponent ${exponent ? `of ${exponent.type} [${exponent.data.slice(0, 4).join(', ')}]` : 'that is computed'}; ` +
        'supported: constants of float32, 2 and 3',
    );
  plain(node, name, builder);
};

/** In inference its output is its input. */
const dropout: Converter = (node, name, builder) => {
  if (node.outputs.length > 1 && node.outputs[1])
    throw new UnsupportedModelError(`node '${name}' (Dropout) has a mask; supported: one output`);
  builder.nodes.push({
    name,
    op: 'Identity',
    inputs: [operand(node, name, 0)],
    outputs: [node.outputs[0]!],
    attributes: {},
  });
};

/** A Cast of bytes to their own type, as PyTorch's exporter writes behind each QuantizeLinear, is nothing. */
const cast: Converter = (node, name, builder) => {
  const tensor = builder.tensors.get(operand(node, name, 0));
  const [output] = node.outputs as [string];
  const isOwn = tensor && attributesOf(node, name)['to'] === { uint8: 2, int8: 3 }[tensor.type];
  if (!isOwn) return plain(node, name, builder);
  builder.quantize(output, tensor.quantization, tensor.type);
  builder.nodes.push({ name, op: 'Identity', inputs: [tensor.name], outputs: [output], attributes: {} });
};

/** Domain and operator of every node that is read; what each becomes in the graph. */
const CONVERTERS: Readonly<Record<string, Converter>> = {
  QLinearConv: quantized('Conv', [0, 3], 6, 8),
  QLinearMatMul: qlinearMatMul,
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  ConvInteger: plain,
  MatMulInteger: plain,
  Conv: plain,
  ConvTranspose: plain,
  MatMul: plain,
  Gemm: gemm,
  Add: plain,
  Sub: plain,
  Mul: plain,
  Div: plain,
  Relu: plain,
  Clip: plain,
  LeakyRelu: plain,
  PRelu: plain,
  Sigmoid: plain,
  HardSigmoid: plain,
  HardSwish: plain,
  Tanh: plain,
  Erf: plain,
  Exp: plain,
  Pow: pow,
  Softmax: softmax,
  GlobalAveragePool: plain,
  AveragePool: averagePool,
  MaxPool: plain,
  BatchNormalization: plain,
  InstanceNormalization: plain,
  ReduceMax: plain,
  ReduceMean: plain,
  Reshape: plain,
  Flatten: plain,
  Identity: plain,
  Dropout: dropout,
  Transpose: plain,
  Squeeze: plain,
  Unsqueeze: plain,
  Slice: plain,
  Split: split,
  Pad: pad,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: plain,
  Concat: plain,
  Shape: plain,
  Gather: plain,
  Constant: constant,
  ...Object.fromEntries(CONSTANT_OPERATORS.map((op) => [op, plain])),
  Cast: cast,
  ConstantOfShape: constantOfShape,
  'com.microsoft.QLinearAdd': quantized('Add', [0, 3], 6),
  'com.microsoft.QLinearMul': quantized('Mul', [0, 3], 6),
  'com.microsoft.QLinearSigmoid': quantized('Sigmoid', [0], 3),
  'com.microsoft.QLinearLeakyRelu': quantized('LeakyRelu', [0], 3),
  'com.microsoft.QLinearSoftmax': quantized('Softmax', [0], 3),
  'com.microsoft.QLinearConcat': qlinearConcat,
  'com.microsoft.QLinearAveragePool': quantizedPool('AveragePool'),
  'com.microsoft.QLinearGlobalAveragePool': quantizedPool('GlobalAveragePool'),
  'com.microsoft.QGemm': qgemm,
  'com.microsoft.QuantizeLinear': quantizeLinear,
  'com.microsoft.DequantizeLinear': dequantizeLinear,
};

export function operatorName(node: OnnxNode): string {
  return node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`;
}

/** Reads a node; what follows from constants alone is one more of them, which scales and weights behind it may be. */
export function convertNode(node: OnnxNode, name: string, builder: GraphBuilder): void {
  CONVERTERS[operatorName(node)]!(node, name, builder);
  const last = builder.nodes.at(-1);
  const known = last?.outputs[0] === node.outputs[0] && foldConstants(last, (tensor) => builder.constants.get(tensor));
  if (!known) return;
  builder.spend(known.data.length, `node '${name}' (${node.opType})`);
  builder.constants.set(known.name, known);
  builder.nodes.pop();
}

export function isKnown(node: OnnxNode): boolean {
  return Object.hasOwn(CONVERTERS, operatorName(node));
}

export const KNOWN_OPERATORS: readonly string[] = Object.keys(CONVERTERS);
