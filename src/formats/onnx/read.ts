import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import {
  DYNAMIC,
  elementCount,
  isByteType,
  type Constant,
  type Graph,
  type GraphNode,
  type Quantization,
  type QuantizedType,
  type TensorInfo,
} from '../../graph/graph.ts';
import { BUDGET, expectNodes, expectShape, Spending } from '../../graph/budget.ts';
import { refuseFloats, Refusals } from '../../graph/refusals.ts';
import { endingAt } from '../../graph/rewrite.ts';
import { sortNodes } from '../../graph/sort.ts';
import { convertNode, isKnown, KNOWN_OPERATORS, operatorName, type GraphBuilder } from './operators.ts';
import { parseOnnx, type OnnxGraph, type OnnxNode, type OnnxValueInfo } from './proto.ts';
import { elementType, readConstant, type ExternalData } from './tensors.ts';

/** TensorProto.DataType of float32. */
const FLOAT = 1;
const OPSETS = { min: 10, max: 25 };

const nameOf = (node: OnnxNode): string => node.name || node.outputs[0] || operatorName(node);

/** Operators of bytes, and those between bytes and floats. */
const QUANTIZED = /^(Q|DequantizeLinear|DynamicQuantize|.*Integer)/;

function hasBytes({ nodes, inputs }: OnnxGraph): boolean {
  return nodes.some(({ opType }) => QUANTIZED.test(opType)) || inputs.some(({ elemType }) => elemType !== FLOAT);
}

function refuseUnknownOperators(nodes: readonly OnnxNode[]): void {
  const unknown = nodes.filter((node) => !isKnown(node));
  const counts = new Map<string, number>();
  for (const node of unknown) counts.set(operatorName(node), (counts.get(operatorName(node)) ?? 0) + 1);
  const [first, ...others] = [...counts].map(([operator, count]) =>
    count > 1 ? `${operator} (${count} nodes)` : operator,
  );
  const before = unknown[0]!.inputs.filter((name) => nodes.some(({ outputs }) => outputs.includes(name)));
  throw new UnsupportedModelError(
    `node '${nameOf(unknown[0]!)}' is a ${operatorName(unknown[0]!)}, which is not supported` +
      (unknown.length > 1 ? `. All that are not: ${[first, ...others].join(', ')}` : '') +
      (before.length > 0 ? `; the model may end before it (--outputs ${before[0]}, the option \`outputs\`)` : '') +
      `; supported: ${KNOWN_OPERATORS.join(', ')}`,
  );
}

function sameQuantization(a: Quantization, b: Quantization): boolean {
  return (
    a.scale.length === b.scale.length &&
    a.scale.every((s, i) => s === b.scale[i]) &&
    a.zeroPoint.every((z, i) => z === b.zeroPoint[i])
  );
}

class Builder implements GraphBuilder {
  readonly nodes: GraphNode[] = [];
  readonly tensors = new Map<string, QuantizedType>();
  readonly #folded = new Spending('elements that follow from constants', BUDGET.folded);
  readonly opset: number;
  readonly constants: Map<string, Constant>;

  constructor(opset: number, constants: Map<string, Constant>) {
    this.opset = opset;
    this.constants = constants;
  }

  spend(elements: number, where: string): void {
    this.#folded.add(elements, where);
  }

  constant(name: string, what: string): Constant {
    const constant = this.constants.get(name);
    if (!constant) throw new UnsupportedModelError(`${what} ('${name}') is computed; only constants are supported`);
    return constant;
  }

  quantize(tensor: string, quantization: Quantization, type: 'uint8' | 'int8' | 'int32'): string {
    const constant = this.constants.get(tensor);
    if (constant) {
      if (constant.type !== type)
        throw new InvalidModelError(`constant '${tensor}' is ${constant.type}, its zero point ${type}`);
      // the same bytes may be two constants
      const isOther = constant.quantization && !sameQuantization(constant.quantization, quantization);
      const name = isOther ? this.#unused(tensor) : tensor;
      this.constants.set(name, { ...constant, name, quantization });
      return name;
    }
    if (!isByteType(type))
      throw new UnsupportedModelError(`tensor '${tensor}' is quantized to ${type}; supported: uint8, int8`);
    const known = this.tensors.get(tensor);
    if (known && (known.type !== type || !sameQuantization(known.quantization, quantization)))
      throw new UnsupportedModelError(
        `tensor '${tensor}' is used with two quantizations: scale ${known.quantization.scale[0]} zero point ` +
          `${known.quantization.zeroPoint[0]} (${known.type}), and scale ${quantization.scale[0]} zero point ` +
          `${quantization.zeroPoint[0]} (${type})`,
      );
    this.tensors.set(tensor, { name: tensor, type, quantization });
    return tensor;
  }

  #unused(like: string): string {
    let name = like;
    for (let i = 1; this.constants.has(name); i++) name = `${like}.${i}`;
    return name;
  }
}

function inputInfo(value: OnnxValueInfo, quantized: QuantizedType | undefined): TensorInfo {
  if (!value.dims) throw new UnsupportedModelError(`graph input '${value.name}' has no shape`);
  const shape = value.dims.map((d) => (typeof d === 'string' ? DYNAMIC : d));
  // some exporters write the dimension that is open as -1
  if (shape.some((d) => d !== DYNAMIC && d < 1))
    throw new InvalidModelError(`graph input '${value.name}' has the impossible shape [${value.dims.join(', ')}]`);
  expectShape(`graph input '${value.name}'`, shape);
  return {
    name: value.name,
    type: elementType(value.elemType, value.name),
    shape,
    ...(quantized ? { quantization: quantized.quantization } : {}),
  };
}

/** What may be said when a file is read. */
export interface ReadOptions {
  /** Tensors that the model is to end at, in place of its own outputs: what they do not need is not looked at. */
  readonly outputs?: readonly string[] | undefined;
  readonly externalData?: ExternalData | undefined;
}

/** What is left of a graph that ends at other tensors; constants that nobody uses then may be anywhere. */
function cut(graph: OnnxGraph, outputs: readonly string[]): OnnxGraph {
  const nodes = endingAt(graph.nodes, outputs);
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  return {
    ...graph,
    nodes,
    initializers: graph.initializers.filter(({ name }) => used.has(name)),
    outputs: outputs.map((name) => ({ name, elemType: 0 })),
  };
}

/**
 * Reads an ONNX model, QOperator or QDQ. Scales and zero points become the quantization of tensors;
 * Q/DQ nodes stay where they are: what an engine makes of them is its own affair.
 *
 * @throws InvalidModelError, UnsupportedModelError
 */
export function readOnnx(bytes: Uint8Array, { outputs: wanted, externalData }: ReadOptions = {}): Graph {
  const model = parseOnnx(bytes);
  if (!model.graph || model.graph.nodes.length === 0 || model.opsets.size === 0)
    throw new InvalidModelError('not an ONNX model: it has no graph, no nodes or no operator set');
  const graph = wanted ? cut(model.graph, wanted) : model.graph;
  const opset = model.opsets.get('') ?? 0;
  if (opset < OPSETS.min || opset > OPSETS.max)
    throw new UnsupportedModelError(`ONNX operator set ${opset}; supported: ${OPSETS.min} to ${OPSETS.max}`);
  if (!graph.nodes.every(isKnown)) {
    if (!hasBytes(graph)) refuseFloats(graph.nodes.length);
    refuseUnknownOperators(graph.nodes);
  }
  if (model.functions > 0) throw new UnsupportedModelError('the model defines functions of its own');
  if (graph.sparseInitializers > 0) throw new UnsupportedModelError('the model has sparse initializers');

  const lengths = new Map(graph.initializers.map(({ name, dims }) => [name, elementCount(dims)]));
  expectNodes(
    graph.nodes.map((node) => ({ ...node, name: nameOf(node) })),
    (tensor) => lengths.get(tensor) ?? 0,
  );
  const constants = new Map(graph.initializers.map((t) => [t.name, readConstant(t, t.name, externalData)]));
  const builder = new Builder(opset, constants);
  // constants first: Q/DQ nodes may stand before the Constant node that holds their scale
  const byRank = [...graph.nodes].sort((a, b) => Number(b.opType === 'Constant') - Number(a.opType === 'Constant'));
  const refusals = new Refusals();
  for (const node of byRank) {
    const name = nameOf(node);
    refusals.attempt({ name, op: node.opType }, () => convertNode(node, name, builder));
  }
  refusals.end();

  const inputs = graph.inputs
    .filter((value) => !constants.has(value.name))
    .map((value) => inputInfo(value, builder.tensors.get(value.name)));
  const outputs = graph.outputs.map((value) => value.name);
  const nodes = sortNodes(builder.nodes, new Set([...inputs.map((i) => i.name), ...builder.constants.keys()]), outputs);
  // what it is made of is right; it is no model of bytes
  if (!hasBytes(graph)) refuseFloats(graph.nodes.length);
  return {
    name: graph.name,
    format: 'onnx',
    engine: 'onnxruntime',
    nodes,
    inputs,
    outputs,
    declared: new Map(
      [...graph.inputs, ...graph.outputs].flatMap(({ name, dims }) =>
        dims ? [[name, dims.map((d) => (d === DYNAMIC ? '' : d))] as const] : [],
      ),
    ),
    constants: builder.constants,
    tensors: builder.tensors,
  };
}
