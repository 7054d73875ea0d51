import { InvalidModelError, UnsupportedModelError } from '../errors.ts';
import { BUDGET, expectShape } from '../graph/budget.ts';
import {
  isByteType,
  type Constant,
  type ElementData,
  type Graph,
  type GraphNode,
  type QuantizedType,
  type TensorInfo,
} from '../graph/graph.ts';
import type { Clamp, Engine, TensorQuantization } from '../engines/engine.ts';
import type { Definition } from './definition.ts';
import type { Layer, Place } from './layer.ts';

/** A graph in which every tensor's type and shape is known. */
export interface TypedGraph extends Omit<Graph, 'tensors'> {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

/** What an operator may ask of the graph around it. */
export interface OpContext {
  readonly engine: Engine;
  info(tensor: string): TensorInfo;
  constant(tensor: string): Constant | undefined;
  /** What is said of a computed quantized tensor. */
  quantizedType(tensor: string): QuantizedType<'uint8' | 'int8' | 'int32'> | undefined;
}

export interface ReferenceResult {
  readonly data: ElementData;
  readonly accumulators?: Int32Array;
}

/** One operator: what it means. How it is computed is the business of `src/kernels/`. */
export interface Operator {
  /** Type and shape of the output. Refuses, by name, what the operator does not support. */
  infer(node: GraphNode, context: OpContext): TensorInfo;
  /** The output, where it follows from constants and shapes alone. */
  fold?(node: GraphNode, context: OpContext): Constant | undefined;
  /** The output from operands in NCHW, in exact host arithmetic; operands that are constants are read from the context. */
  reference(node: GraphNode, context: OpContext, operand: (index: number) => ElementData): ReferenceResult;
  /** What explain and vectors go by; where it is left out, they have no more than the layer. */
  define?(node: GraphNode, context: OpContext): Definition | undefined;
  /** What has to be computed. Refuses what only shows in weights and functions. */
  layer(node: GraphNode, context: OpContext): Layer;
}

/** The computed tensors that a node reads, by name. */
export const operandsOf = (node: GraphNode, context: OpContext): string[] =>
  node.inputs.filter((name) => name !== '' && !context.constant(name));

/** The computed tensors that a node reads, and the one that it makes. */
export function placeOf(node: GraphNode, context: OpContext): Place {
  return {
    node: node.name,
    op: node.op,
    reads: operandsOf(node, context).map((name) => context.info(name)),
    writes: context.info(node.outputs[0]!),
  };
}

export function label(node: GraphNode): string {
  return `node '${node.name}' (${node.op})`;
}

export function refuse(node: GraphNode, got: string, supported: string): never {
  throw new UnsupportedModelError(`${label(node)}: ${got}; supported: ${supported}`);
}

/** What the engine says of a node. It knows layers and no nodes, so its refusals are given the node's name here. */
export function askEngine<T>(node: GraphNode, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
    throw new UnsupportedModelError(`${label(node)}: ${error.message}`, { cause: error });
  }
}

/** The scale and zero point of a whole 8-bit tensor. */
export function tensorQuantization(node: GraphNode, info: TensorInfo): TensorQuantization {
  const { quantization, type } = info;
  if (type !== 'uint8' && type !== 'int8') return refuse(node, `'${info.name}' is ${type}`, 'uint8, int8');
  if (!quantization) throw new InvalidModelError(`${label(node)}: nothing says how '${info.name}' is quantized`);
  if (quantization.scale.length !== 1)
    return refuse(node, `'${info.name}' is quantized per axis`, 'one scale for an activation');
  return { type, scale: quantization.scale[0]!, zeroPoint: quantization.zeroPoint[0]! };
}

/** A quantized output as it is declared. */
export function quantizedOutput(node: GraphNode, context: OpContext, shape: readonly number[]): TensorInfo {
  const name = node.outputs[0]!;
  const declared = context.quantizedType(name);
  if (!declared)
    return refuse(node, `a float32 output '${name}' of an operator the engine leaves in float`, '8-bit outputs');
  return { name, type: declared.type, shape, quantization: declared.quantization };
}

/** `node` has this many operands, at least. */
export function expectOperands(node: GraphNode, count: number): void {
  for (let i = 0; i < count; i++)
    if (!node.inputs[i]) throw new InvalidModelError(`${label(node)} has no operand ${i}`);
}

/**
 * A flag that is set by any number but 0, as onnxruntime reads transB and count_include_pad; it reads others (ceil_mode,
 * keepdims, allowzero) as set by 1 alone.
 */
export function isTrue(node: GraphNode, attribute: string): boolean {
  return Number(node.attributes[attribute] ?? 0) !== 0;
}

/** What an output of this shape takes is within the budget: to be asked before anything is made of this length. */
export function expectOutput(node: GraphNode, shape: readonly number[]): void {
  expectShape(`${label(node)}: its output`, shape);
}

/** The sum of so many bytes stays in int32. */
export function expectWindow(node: GraphNode, elements: number): void {
  if (elements > BUDGET.window) refuse(node, `an average of ${elements} elements`, `up to ${BUDGET.window}`);
}

/** What an activation leaves of the output's values, where the node says so. */
export function clampOf(node: GraphNode): { readonly clamp?: Clamp } {
  const { clamp } = node.attributes;
  return clamp === undefined ? {} : { clamp: clamp as unknown as Clamp };
}

/** Which of its loops PyTorch runs a node by, where the reader of the file found that. */
export function loopOf(node: GraphNode): { readonly loop?: string } {
  const { loop } = node.attributes;
  return typeof loop === 'string' ? { loop } : {};
}

/** An integer-list attribute of a given length. */
export function integers(node: GraphNode, attribute: string, length: number, fallback: number): number[] {
  const value = node.attributes[attribute] ?? [];
  const list = typeof value === 'object' ? [...value] : [];
  if (list.length === 0) return Array.from({ length }, () => fallback);
  if (list.length !== length || !list.every((v) => Number.isInteger(v) && v >= 0))
    throw new InvalidModelError(
      `${label(node)}: attribute ${attribute} = [${list.join(', ')}]; ${length} integers expected`,
    );
  return list;
}

/** What makes integers of an operator that onnxruntime leaves in float32, though its operands are quantized. */
const WAYS_OUT =
  'uint8, int8 inputs, as of models quantized with uint8 activations or in the QOperator format, and of int8 ones under ' +
  'the engine onnxruntime-arm64';

/** An operand of 8 bits; in float32 there is no integer arithmetic to be exact about. */
export function byteInput(node: GraphNode, context: OpContext, name = node.inputs[0]!): TensorInfo {
  const info = context.info(name);
  if (!isByteType(info.type)) {
    const { because } = node.attributes;
    refuse(
      node,
      `input '${name}' is ${info.type}: the engine runs this operator in float${because ? `, for ${String(because)}` : ''}`,
      because === undefined ? 'uint8, int8 inputs' : WAYS_OUT,
    );
  }
  return info;
}
