import { InvalidInputError, InvalidModelError, UnsupportedModelError } from '../errors.ts';
import { BUDGET, expectNodes, expectShape, Spending } from '../graph/budget.ts';
import {
  DYNAMIC,
  elementCount,
  isByteType,
  type Constant,
  type Graph,
  type GraphNode,
  type TensorInfo,
} from '../graph/graph.ts';
import { foldConstants } from '../graph/fold.ts';
import { refuseFloats, Refusals } from '../graph/refusals.ts';
import { withoutDeadNodes } from '../graph/rewrite.ts';
import type { Engine } from '../engines/engine.ts';
import type { Definition, ForDefinitions } from './definition.ts';
import { OPERATORS } from './index.ts';
import type { ByteLinear, Layer } from './layer.ts';
import { expectOutput, label, refuse, type Operator, type OpContext, type TypedGraph } from './operator.ts';

export function operatorOf(node: GraphNode): Operator {
  const op = Object.hasOwn(OPERATORS, node.op) ? OPERATORS[node.op] : undefined;
  if (!op)
    throw new UnsupportedModelError(
      `${label(node)} is not supported; supported: ${Object.keys(OPERATORS).join(', ')}; ` +
        'and between DequantizeLinear and QuantizeLinear, others that are functions of one 8-bit tensor, or of two',
    );
  return op;
}

/** Input shapes: what the caller asks for, and 1 for a batch that nobody names. */
function resolveInput(input: TensorInfo, asked: readonly number[] | undefined): TensorInfo {
  const shape = asked ?? input.shape.map((d, i) => (d === DYNAMIC && i === 0 ? 1 : d));
  const fits =
    shape.length === input.shape.length &&
    shape.every((d, i) => Number.isInteger(d) && d > 0 && (input.shape[i] === DYNAMIC || input.shape[i] === d));
  if (!fits) {
    const wanted = input.shape.map((d) => (d === DYNAMIC ? '?' : d)).join(', ');
    const got = asked
      ? `has shape [${shape.join(', ')}]`
      : 'was given no shape, and the model leaves more open than the batch (say it in `shapes`)';
    throw new InvalidInputError(`input '${input.name}' ${got}; the model takes [${wanted}]`);
  }
  expectShape(`input '${input.name}'`, shape);
  return { ...input, shape };
}

const isQuantized = ({ inputs, constants, tensors }: Graph, computed: Iterable<TensorInfo>): boolean =>
  [...inputs, ...constants.values(), ...tensors.values()].some(({ quantization }) => quantization) ||
  [...computed].some(({ type }) => type !== 'float32');

/** Operators that sum products or whole windows: not computed on the host when a plan is made. */
const SUMS = new Set([
  'Conv',
  'ConvTranspose',
  'Gemm',
  'MatMul',
  'BatchMatMul',
  'MaxPool',
  'AveragePool',
  'AdaptiveAveragePool',
  'GlobalAveragePool',
  'ReduceMax',
  'ReduceMean',
  'ReduceSum',
]);

/** The output of an operator whose operands are all constants, by the engine's own arithmetic. */
function foldByReference(node: GraphNode, context: OpContext, info: TensorInfo): Constant {
  if (SUMS.has(node.op)) return refuse(node, 'its operands are all constants', 'computed inputs');
  // its own type and shape are asked for, too
  const known: OpContext = { ...context, info: (name) => (name === info.name ? info : context.info(name)) };
  const { data } = operatorOf(node).reference(node, known, (index) => context.constant(node.inputs[index]!)!.data);
  return { ...info, data };
}

export function contextOf(
  graph: Pick<TypedGraph, 'constants' | 'tensors'>,
  quantized: Graph['tensors'],
  engine: Engine,
): OpContext {
  const info = (name: string): TensorInfo => {
    const found = graph.constants.get(name) ?? graph.tensors.get(name);
    if (!found) throw new InvalidModelError(`tensor '${name}' is used before it is computed`);
    return found;
  };
  return {
    engine,
    constant: (name) => graph.constants.get(name),
    info,
    quantizedType(name) {
      const declared = quantized.get(name);
      return declared?.quantization && (isByteType(declared.type) || declared.type === 'int32')
        ? { name, type: declared.type, quantization: declared.quantization }
        : undefined;
    },
  };
}

/**
 * Gives every tensor its type and shape, computes what follows from constants and shapes alone, and drops
 * what nothing needs. All that the operators do not support is refused here, before any other work.
 *
 * @param shapes shapes of inputs whose dimensions the model leaves open; an open batch is 1 without
 */
export function inferGraph(
  graph: Graph,
  engine: Engine,
  shapes: Readonly<Record<string, readonly number[]>> = {},
): TypedGraph {
  expectNodes(graph.nodes, (tensor) => graph.constants.get(tensor)?.data.length ?? 0);
  const constants = new Map<string, Constant>(graph.constants);
  const tensors = new Map<string, TensorInfo>();
  const inputs = graph.inputs.map((input) => resolveInput(input, shapes[input.name]));
  for (const input of inputs) tensors.set(input.name, input);
  const context = contextOf({ constants, tensors }, graph.tensors, engine);

  const folded = new Spending('elements that follow from constants', BUDGET.folded);
  const computed = new Spending('elements in all tensors', BUDGET.allElements);
  const nodes: GraphNode[] = [];
  const refusals = new Refusals();
  /** What refused nodes would have computed. */
  const unknown = new Set<string>();
  const infer = (node: GraphNode): true => {
    if (node.outputs.length !== 1)
      throw new UnsupportedModelError(`${label(node)} has ${node.outputs.length} outputs; supported: 1`);
    const known = foldConstants(node, context.constant) ?? operatorOf(node).fold?.(node, context);
    if (known) {
      folded.add(known.data.length, label(node));
      constants.set(known.name, known);
      return true;
    }
    const info = operatorOf(node).infer(node, context);
    expectOutput(node, info.shape);
    if (node.inputs.every((input) => input === '' || constants.has(input))) {
      folded.add(elementCount(info.shape), label(node));
      constants.set(info.name, foldByReference(node, context, info));
      return true;
    }
    computed.add(elementCount(info.shape), label(node));
    tensors.set(info.name, info);
    nodes.push(node);
    return true;
  };
  for (const node of graph.nodes) {
    const isKnown = !node.inputs.some((input) => unknown.has(input));
    if (!isKnown || !refusals.attempt(node, () => infer(node))) for (const output of node.outputs) unknown.add(output);
  }
  if (!refusals.isEmpty && !isQuantized(graph, tensors.values())) refuseFloats(graph.nodes.length);
  refusals.end();
  for (const output of graph.outputs) {
    const { name, type, shape, quantization } = context.info(output);
    tensors.set(output, { name, type, shape, ...(quantization && { quantization }) });
  }
  const live = withoutDeadNodes(nodes, graph.outputs);
  const alive = new Set([...live.flatMap((node) => node.outputs), ...graph.outputs]);
  for (const input of inputs) alive.add(input.name);
  return {
    ...graph,
    inputs,
    nodes: live,
    constants,
    tensors: new Map([...tensors].filter(([name]) => alive.has(name))),
  };
}

export const definitionOf = (node: GraphNode, context: OpContext): Definition | undefined =>
  operatorOf(node).define?.(node, context);

/** What a table has for a node's definition; undefined where it has nothing. */
export function forDefinition<A extends readonly unknown[], R>(
  table: ForDefinitions<A, R>,
  node: GraphNode,
  context: OpContext,
): ((...rest: A) => R) | undefined {
  const definition = definitionOf(node, context);
  const found = definition && (table[definition.kind] as ((definition: Definition, ...rest: A) => R) | undefined);
  return found && ((...rest) => found(definition, ...rest));
}

/** The convolution that a node is; undefined where it is none. */
export function linearOf(node: GraphNode, context: OpContext): ByteLinear | undefined {
  const definition = definitionOf(node, context);
  return definition?.kind === 'linear' ? definition.linear : undefined;
}

/** What has to be computed for a node. */
export function layerOf(node: GraphNode, graph: TypedGraph, engine: Engine): Layer {
  return operatorOf(node).layer(node, contextOf(graph, graph.tensors, engine));
}

/** What has to be computed for each node, in their order. */
export function layersOf(graph: TypedGraph, engine: Engine): Layer[] {
  const context = contextOf(graph, graph.tensors, engine);
  const refusals = new Refusals();
  const layers = graph.nodes.flatMap(
    (node) => refusals.attempt(node, () => operatorOf(node).layer(node, context)) ?? [],
  );
  refusals.end();
  return layers;
}
