import { InvalidModelError } from '../errors.ts';
import { elementCount, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import { isFirstOneValue } from '../engines/exchange.ts';
import { f32 } from '../engines/rounding.ts';
import type { AddFunctions, AddLayer, TensorQuantization as Q } from '../engines/engine.ts';
import type { Definition } from './definition.ts';
import type { Layer } from './layer.ts';
import { extent } from './layout.ts';
import {
  askEngine,
  clampOf,
  expectOperands,
  label,
  placeOf,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type Operator,
  type OpContext,
} from './operator.ts';
import { broadcastOf, onCodes, pairLayer, pairOf, referencePairs } from './pairs.ts';
import { expectTailLast, tailOf, tailRanges } from './tail.ts';

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** The operands' shapes as the engine sees them: the file's, where both were made one shape when it was read. */
function shapesOf({ attributes }: GraphNode, a: TensorInfo, b: TensorInfo): NonNullable<AddLayer['shapes']> {
  const memory = ({ shape }: TensorInfo): readonly number[] =>
    shape.length === 4 ? [shape[0]!, shape[2]!, shape[3]!, shape[1]!] : shape;
  const given = (name: string, info: TensorInfo): readonly number[] =>
    (attributes[name] as readonly number[] | undefined) ?? memory(info);
  return [given('a_shape', a), given('b_shape', b)];
}

function layerOf(node: GraphNode, context: OpContext): AddLayer {
  broadcastOf(node, context);
  const [a, b] = node.inputs.map((name) => context.info(name)) as [TensorInfo, TensorInfo];
  return {
    ...pairOf(node, context),
    ...clampOf(node),
    relu: node.attributes['relu'] === 1,
    swapped: isFirstOneValue(a.shape, b.shape),
    shapes: shapesOf(node, a, b),
  };
}

const functionsOf = (node: GraphNode, context: OpContext, layer: AddLayer): AddFunctions =>
  askEngine(node, () => context.engine.add(layer));

/** Does a float32 operand hold one value a channel, to be added to every pixel? */
function isPerChannel(constant: TensorInfo, other: TensorInfo): boolean {
  const { shape } = constant;
  const channels = other.shape[1];
  if (other.shape.length === 2) return sameShape(shape, [channels!]) || sameShape(shape, [1, channels!]);
  return sameShape(shape, [1, channels!, 1, 1]) || sameShape(shape, [channels!, 1, 1]);
}

type FloatOperands = Omit<Definition<'add_float32'>, 'kind'>;

/** The operands of a float32 add: the tensor first, a constant second; undefined where one of another shape is broadcast. */
function plainOperands(node: GraphNode, context: OpContext): FloatOperands | undefined {
  const [a, b] = node.inputs as [string, string];
  const [tensor, other] = context.constant(a) ? [b, a] : [a, b];
  const info = context.info(tensor);
  const otherInfo = context.info(other);
  if (sameShape(info.shape, otherInfo.shape)) return { tensor, other, perChannel: false };
  if (context.constant(other) && isPerChannel(otherInfo, info)) return { tensor, other, perChannel: true };
  return undefined;
}

function floatOperands(node: GraphNode, context: OpContext): FloatOperands {
  const shapes = node.inputs.map((name) => `[${context.info(name).shape.join(', ')}]`);
  return (
    plainOperands(node, context) ??
    refuse(node, `shapes ${shapes.join(' and ')}`, 'equal shapes, or one constant a channel')
  );
}

/** Is one of two float32 operands broadcast, in another way than a constant a channel is? */
export const isBroadcast = (node: GraphNode, context: OpContext): boolean => !plainOperands(node, context);

function floatLayer(node: GraphNode, context: OpContext): Layer<'add_float32'> {
  const { tensor, other, perChannel } = floatOperands(node, context);
  const constant = context.constant(other);
  const reads = constant ? [tensor] : [tensor, other];
  return {
    kind: 'add_float32',
    ...placeOf(node, context),
    reads: reads.map((name) => context.info(name)),
    perChannel,
    ...(constant && { constant: constant.data }),
  };
}

/**
 * Add: of two 8-bit tensors (one 8-bit result for each pair of bytes), or of two float32 tensors, where
 * the engine leaves the add in float (one IEEE rounding, by integers on the GPU).
 */
export const add: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    const [a, b] = node.inputs.map((name) => context.info(name)) as [TensorInfo, TensorInfo];
    if (a.type === 'float32' && b.type === 'float32') {
      const { tensor } = floatOperands(node, context);
      return { name: node.outputs[0]!, type: 'float32', shape: context.info(tensor).shape };
    }
    if (a.type === 'float32' || b.type === 'float32')
      throw new InvalidModelError(`${label(node)}: operands of types ${a.type} and ${b.type}`);
    const output = quantizedOutput(node, context, broadcastOf(node, context).large.shape);
    const [qa, qb, qy] = [a, b, output].map((info) => tensorQuantization(node, info)) as [Q, Q, Q];
    const shapes = shapesOf(node, a, b);
    const functions = functionsOf(node, context, { a: qa, b: qb, output: qy, relu: false, shapes });
    if (functions.tail) expectTailLast(node, functions, output);
    if (functions.tail && !sameShape(a.shape, b.shape))
      refuse(node, `operands of shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`, 'equal shapes');
    return output;
  },

  reference(node, context, operand) {
    const info = context.info(node.outputs[0]!);
    if (info.type === 'float32') {
      const { tensor, perChannel } = floatOperands(node, context);
      const swapped = tensor !== node.inputs[0];
      const x = operand(swapped ? 1 : 0) as Float32Array;
      const y = operand(swapped ? 0 : 1) as Float32Array;
      const { channels, height, width } = extent(info);
      const plane = height * width;
      return {
        data: x.map((v, i) => f32(v + y[perChannel ? Math.floor(i / plane) % channels : i]!)),
      };
    }
    const functions = functionsOf(node, context, layerOf(node, context));
    const { body, tail } = functions;
    const isTail = tailOf(functions, info);
    return referencePairs(node, context, operand, (x, y, i) => (tail && isTail(i) ? tail : body)(x, y));
  },

  define(node, context) {
    if (context.info(node.outputs[0]!).type === 'float32')
      return { kind: 'add_float32', ...floatOperands(node, context) };
    // of what is added to a constant no ways are known
    if (node.inputs.some((name) => context.constant(name))) return undefined;
    return { kind: 'add', layer: layerOf(node, context) };
  },

  layer(node, context) {
    const info = context.info(node.outputs[0]!);
    if (info.type === 'float32') return floatLayer(node, context);
    const layer = layerOf(node, context);
    const { body, tail, isTail } = functionsOf(node, context, layer);
    const { a, b, output } = layer;
    const [first, second] = [a.scale / output.scale, b.scale / output.scale];
    const ranges = tail && isTail ? tailRanges(isTail, elementCount(info.shape)) : [];
    return pairLayer(node, context, body, {
      slope: broadcastOf(node, context).swapped ? { a: second, b: first } : { a: first, b: second },
      ...(tail && ranges.length > 0 && { tail: { codes: onCodes(layer, tail), ranges } }),
    });
  },
};
