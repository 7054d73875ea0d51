import {
  writeOnnx,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from '../../models/onnx_writer.ts';
import type { Attributes, Graph, GraphNode, Quantization, TensorInfo } from '../../src/graph/graph.ts';
import { MOVES } from '../../src/graph/moves.ts';
import { InvalidInputError } from '../../src/errors.ts';

/** How ONNX says that an operator is quantized: one operator for it, or a float one between DequantizeLinear and QuantizeLinear. */
export type OnnxForm = 'qoperator' | 'qdq';

type Quantized = Pick<TensorInfo, 'name' | 'type'> & { readonly quantization: Quantization };

/** What is written: tensors by name, and the nodes and constants so far. */
interface Draft {
  readonly graph: Graph;
  readonly nodes: OnnxNode[];
  readonly constants: OnnxTensor[];
}

/** Operators that stand as they are, whatever their operands. */
const Q_AND_DQ = new Set(['QuantizeLinear', 'DequantizeLinear']);

/**
 * A graph of one operator as an ONNX file, for engines that read files: QLinearConv, QGemm, QLinearAdd and their
 * like, or the float operator between DequantizeLinear and QuantizeLinear.
 *
 * @throws InvalidInputError for an operator that has no such form
 */
export function writeCase(graph: Graph, form: OnnxForm): Uint8Array<ArrayBuffer> {
  const [node] = graph.nodes as [GraphNode];
  const draft: Draft = { graph, nodes: [], constants: [] };
  for (const { name, shape, data } of graph.constants.values()) draft.constants.push({ name, dims: shape, data });
  const output = graph.tensors.get(node.outputs[0]!);
  if (Q_AND_DQ.has(node.op)) plain(draft, node, quantizedTensor(draft, output ? output.name : node.inputs[0]!));
  else if (!graph.inputs.some(({ quantization }) => quantization)) plain(draft, node);
  else if (form === 'qdq') betweenQAndDq(draft, node);
  else quantizedOperator(draft, node);
  const value = (
    name: string,
    { type, shape }: { type: string; shape?: readonly number[] | undefined },
  ): OnnxValue => ({
    name,
    type: type as OnnxValue['type'],
    ...(shape && { dims: shape }),
  });
  return writeOnnx({
    name: graph.name,
    description: '',
    inputs: graph.inputs.map((input) => value(input.name, input)),
    outputs: [value(node.outputs[0]!, { type: output?.type ?? 'float32' })],
    nodes: draft.nodes,
    constants: draft.constants,
  });
}

function quantizedTensor({ graph }: Draft, name: string): Quantized {
  const tensor = graph.constants.get(name) ?? graph.tensors.get(name) ?? graph.inputs.find((t) => t.name === name);
  if (!tensor?.quantization) throw new InvalidInputError(`nothing says how '${name}' is quantized`);
  return tensor as Quantized;
}

/** The names of a tensor's scale and zero point, which become constants where they are not yet. */
function parameters(draft: Draft, { name, type, quantization: { scale, zeroPoint } }: Quantized): [string, string] {
  const names: [string, string] = [`${name}.scale`, `${name}.zero_point`];
  if (draft.constants.some((constant) => constant.name === names[0])) return names;
  const dims = scale.length === 1 ? [] : [scale.length];
  const zero = { uint8: Uint8Array, int8: Int8Array, int32: Int32Array }[type as 'uint8' | 'int8' | 'int32'];
  draft.constants.push(
    { name: names[0], dims, data: Float32Array.from(scale) },
    { name: names[1], dims, data: zero.from(zeroPoint) },
  );
  return names;
}

/** A whole number is written as an integer; ONNX's float attributes are these. */
const FLOATS = new Set(['alpha', 'beta']);

const onnxAttributes = (attributes: Attributes): Record<string, OnnxAttribute> =>
  Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, FLOATS.has(key) ? { float: Number(value) } : value]),
  );

function push(
  { nodes }: Draft,
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = {},
  domain: OnnxNode['domain'] = '',
): void {
  nodes.push({ name: output, op, domain, inputs, outputs: [output], attributes: onnxAttributes(attributes) });
}

/** The operator itself; QuantizeLinear and DequantizeLinear with the parameters of their 8-bit side. */
function plain(draft: Draft, node: GraphNode, quantized?: Quantized): void {
  const operands = [...node.inputs, ...(quantized ? parameters(draft, quantized) : [])];
  push(draft, node.op, operands, node.outputs[0]!, node.attributes);
}

/** QLinearSoftmax's, which a Softmax has from its file. */
const OPSET = 'opset';

/** The operands of a node that are tensors of 8 bits, then a bias where there is one. */
function betweenQAndDq(draft: Draft, node: GraphNode): void {
  const dequantized = node.inputs.map((name, index) => {
    if (isParameter(draft, name)) return name;
    const bias = index === 2 && draft.graph.constants.get(name)?.type === 'int32';
    const tensor = bias ? quantizedBias(draft, node) : quantizedTensor(draft, name);
    const axis = tensor.quantization.scale.length > 1 ? { axis: tensor.quantization.axis ?? 0 } : {};
    push(draft, 'DequantizeLinear', [name, ...parameters(draft, tensor)], `${name}.real`, axis);
    return `${name}.real`;
  });
  const output = node.outputs[0]!;
  const { [OPSET]: _, ...attributes } = node.attributes;
  const real = draft.graph.tensors.has(output) ? `${output}.real` : output;
  push(draft, node.op, dequantized, real, attributes);
  if (real !== output)
    push(draft, 'QuantizeLinear', [real, ...parameters(draft, quantizedTensor(draft, output))], output);
}

/** A bias is in units of the input's scale times the weight's. */
function quantizedBias(draft: Draft, { inputs }: GraphNode): Quantized {
  const [x, w] = inputs.slice(0, 2).map((name) => quantizedTensor(draft, name)) as [Quantized, Quantized];
  const scale = w.quantization.scale.map((s) => Math.fround(s * x.quantization.scale[0]!));
  return { name: inputs[2]!, type: 'int32', quantization: { scale, zeroPoint: new Int32Array(scale.length), axis: 0 } };
}

/** An operand that says how, not what: a shape, indices, a value. */
const isParameter = ({ graph }: Draft, name: string): boolean =>
  name === '' ||
  (graph.constants.has(name) &&
    !graph.constants.get(name)!.quantization &&
    graph.constants.get(name)!.type !== 'int32');

/** ONNX's quantized operators: operands are followed by their scale and zero point. */
const QUANTIZED: Readonly<
  Record<string, { op: string; domain: OnnxNode['domain']; biasLast?: boolean; attributes?: Attributes }>
> = {
  Conv: { op: 'QLinearConv', domain: '', biasLast: true },
  Gemm: { op: 'QGemm', domain: 'com.microsoft' },
  Add: { op: 'QLinearAdd', domain: 'com.microsoft' },
  Mul: { op: 'QLinearMul', domain: 'com.microsoft' },
  Sigmoid: { op: 'QLinearSigmoid', domain: 'com.microsoft' },
  LeakyRelu: { op: 'QLinearLeakyRelu', domain: 'com.microsoft' },
  Softmax: { op: 'QLinearSoftmax', domain: 'com.microsoft' },
  AveragePool: { op: 'QLinearAveragePool', domain: 'com.microsoft', attributes: { channels_last: 0 } },
  Concat: { op: 'QLinearConcat', domain: 'com.microsoft' },
  GlobalAveragePool: {
    op: 'QLinearGlobalAveragePool',
    domain: 'com.microsoft',
    attributes: { channels_last: 0 },
  },
};

function quantizedOperator(draft: Draft, node: GraphNode): void {
  const known = QUANTIZED[node.op];
  if (!known && MOVES.has(node.op)) return plain(draft, node);
  if (!known) throw new InvalidInputError(`no quantized ONNX operator is known for a ${node.op}`);
  const isBias = (name: string): boolean => draft.graph.constants.get(name)?.type === 'int32';
  const biases = node.inputs.filter(isBias);
  const withParameters = (name: string): string[] => [name, ...parameters(draft, quantizedTensor(draft, name))];
  const operands = node.inputs.filter((name) => !isBias(name)).flatMap(withParameters);
  const output = node.outputs[0]!;
  const result = draft.graph.tensors.has(output) ? parameters(draft, quantizedTensor(draft, output)) : [];
  // QGemm has a place for a bias before the output's parameters; QLinearConv has one at the end, or none
  if (node.op === 'Concat')
    return push(draft, known.op, [...result, ...operands], output, node.attributes, known.domain);
  const inputs = known.biasLast
    ? [...operands, ...result, ...biases]
    : [...operands, ...(node.op === 'Gemm' ? [biases[0] ?? ''] : []), ...result];
  push(draft, known.op, inputs, output, { ...node.attributes, ...known.attributes }, known.domain);
}
