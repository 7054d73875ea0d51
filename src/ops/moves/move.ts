import { InvalidModelError } from '../../errors.ts';
import {
  byteRange,
  elementCount,
  isByteType,
  newElementData,
  type GraphNode,
  type TensorInfo,
} from '../../graph/graph.ts';
import { extent, groupsOf, paddedPlaces } from '../layout.ts';
import { expectOperands, label, refuse, type Op, type OpContext } from '../op.ts';
import { threadGrid, type Step } from '../step.ts';
import { placesOf } from './places.ts';

/** An operator that only moves elements: what its output looks like, and where each element comes from. */
export interface Move {
  readonly shape: readonly number[];
  /** For each element of the output, in row-major order of `shape`, the input's element in its row-major order; -1: the fill. */
  sources(): Int32Array;
  /** What stands where nothing moves; a value of the tensor's type. */
  readonly fill?: number;
}

/** Row-major strides of a shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** Sources that are a sum over the axes: `along(axis)[i]` is what index i of an output axis adds, or -1. */
export function sourcesAlong(shape: readonly number[], along: (axis: number) => ArrayLike<number>): Int32Array {
  let sources = Int32Array.of(0);
  for (let axis = 0; axis < shape.length; axis++) {
    const steps = along(axis);
    const next = new Int32Array(sources.length * shape[axis]!);
    let i = 0;
    for (const source of sources)
      for (let k = 0; k < shape[axis]!; k++) next[i++] = source < 0 || steps[k]! < 0 ? -1 : source + steps[k]!;
    sources = next;
  }
  return sources;
}

/** An axis as ONNX counts it: negative from the end. */
export function axisOf(node: GraphNode, given: number, rank: number): number {
  const axis = given < 0 ? given + rank : given;
  if (!Number.isInteger(axis) || axis < 0 || axis >= rank)
    throw new InvalidModelError(`${label(node)}: axis ${given} of a tensor with ${rank} dimensions`);
  return axis;
}

/** Integers from an attribute, or from the operand that later operator sets have in its place; undefined where neither is. */
export function integerList(
  node: GraphNode,
  context: OpContext,
  attribute: string,
  operand: number,
): number[] | undefined {
  const name = node.inputs[operand];
  if (name) {
    const constant = context.constant(name);
    if (!constant) return refuse(node, `computed ${attribute} '${name}'`, 'constants');
    return Array.from(constant.data as BigInt64Array, Number);
  }
  const value = node.attributes[attribute];
  if (value === undefined) return undefined;
  return [value].flat().map(Number);
}

const movable = (type: TensorInfo['type']): boolean => isByteType(type) || type === 'float32';

function lowerMove(node: GraphNode, context: OpContext, move: Move): Step {
  const [input, output] = [context.info(node.inputs[0]!), context.info(node.outputs[0]!)];
  const { link, places, base } = placesOf(move.sources(), extent(input), extent(output));
  const groups = groupsOf(output);
  const { height, width, batch, groups: channelGroups } = extent(output);
  const fill = move.fill ?? 0;
  return {
    node: node.name,
    op: node.op,
    kernel: 'move',
    links: [link, isByteType(output.type) ? 'element/byte' : 'element/word'],
    operands: [{ tensor: input.name }, { data: places }],
    output: output.name,
    parameters: [],
    geometry: {
      groups,
      out_height: height,
      out_width: width,
      channel_groups: channelGroups,
      batch,
      base,
      fill: isByteType(output.type) ? fill & 255 : new Uint32Array(Float32Array.of(fill).buffer)[0]!,
    },
    overrides: {},
    workgroups: threadGrid(groups),
    macs: 0,
    accumulates: false,
  };
}

/** Do all elements keep their place in GPU memory? */
function isView(input: TensorInfo, output: TensorInfo, sources: Int32Array): boolean {
  const [from, to] = [paddedPlaces(extent(input)), paddedPlaces(extent(output))];
  return from.length === to.length && sources.every((source, i) => source >= 0 && from[source] === to[i]);
}

/** The operator that makes this move: 8-bit or float32 tensors of any rank, type and quantization kept. */
export function moveOp(moveOf: (node: GraphNode, context: OpContext, input: TensorInfo) => Move): Op {
  const of = (node: GraphNode, context: OpContext): Move => moveOf(node, context, context.info(node.inputs[0]!));
  return {
    infer(node, context) {
      expectOperands(node, 1);
      const input = context.info(node.inputs[0]!);
      if (!movable(input.type)) refuse(node, `input '${input.name}' is ${input.type}`, 'uint8, int8, float32 inputs');
      const { shape, fill } = of(node, context);
      if (elementCount(shape) === 0) refuse(node, `an output of shape [${shape.join(', ')}]`, 'outputs with elements');
      if (fill !== undefined && isByteType(input.type)) {
        const [min, max] = byteRange(input.type);
        if (!(fill >= min && fill <= max))
          throw new InvalidModelError(`${label(node)}: the value ${fill} is no ${input.type}`);
      }
      return { ...input, name: node.outputs[0]!, shape };
    },
    reference(node, context, operand) {
      const { sources, fill = 0 } = of(node, context);
      const x = operand(0);
      const from = sources();
      const data = newElementData(context.info(node.inputs[0]!).type, from.length);
      for (let i = 0; i < from.length; i++) data[i] = from[i]! < 0 ? fill : x[from[i]!]!;
      return { data };
    },
    lower(node, context) {
      const move = of(node, context);
      const input = context.info(node.inputs[0]!);
      if (isView(input, context.info(node.outputs[0]!), move.sources())) return { alias: input.name };
      return lowerMove(node, context, move);
    },
  };
}
