import { InvalidModelError } from '../errors.ts';
import { elementCount, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import { addTable, proveAdd } from '../requantize/add.ts';
import { isFirstOneValue } from '../engines/exchange.ts';
import { f32 } from '../engines/rounding.ts';
import type { AddFunctions, AddLayer, TensorQuantization as Q } from '../engines/engine.ts';
import { extent, groupCount, pack, groupsOf } from './layout.ts';
import {
  askEngine,
  expectOperands,
  label,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type Op,
  type OpContext,
} from './op.ts';
import { broadcastOf, lowerPairs, onCodes, pairOf, referencePairs } from './pairs.ts';
import { threadGrid, type Step } from './step.ts';
import { useKernel } from '../kernels/kernel.ts';

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

export function layerOf(node: GraphNode, context: OpContext): AddLayer {
  broadcastOf(node, context);
  const [a, b] = node.inputs.map((name) => context.info(name).shape) as [readonly number[], readonly number[]];
  return { ...pairOf(node, context), relu: node.attributes['relu'] === 1, swapped: isFirstOneValue(a, b) };
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

/** [first, end) of each run of tail elements. */
export function tailRanges(isTail: (index: number, elements: number) => boolean, elements: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (let i = 0; i < elements; i++) {
    if (!isTail(i, elements)) continue;
    const last = ranges.at(-1);
    if (last && last[1] === i) last[1] = i + 1;
    else ranges.push([i, i + 1]);
  }
  return ranges;
}

/** The operands of a float32 add: the tensor first, a constant second. */
export function floatOperands(
  node: GraphNode,
  context: OpContext,
): { tensor: string; other: string; perChannel: boolean } {
  const [a, b] = node.inputs as [string, string];
  const [tensor, other] = context.constant(a) ? [b, a] : [a, b];
  const info = context.info(tensor);
  const otherInfo = context.info(other);
  if (sameShape(info.shape, otherInfo.shape)) return { tensor, other, perChannel: false };
  if (context.constant(other) && isPerChannel(otherInfo, info)) return { tensor, other, perChannel: true };
  return refuse(
    node,
    `shapes [${info.shape.join(', ')}] and [${otherInfo.shape.join(', ')}]`,
    'equal shapes, or one constant a channel',
  );
}

function lowerFloat(node: GraphNode, context: OpContext): Step {
  const { tensor, other, perChannel } = floatOperands(node, context);
  const info = context.info(tensor);
  const constant = context.constant(other);
  const groups = groupsOf(info);
  const channels = extent(info).channels;
  const asVector: TensorInfo = { name: other, type: 'float32', shape: [1, channels] };
  const packed = constant && new Uint32Array(pack(constant.data, perChannel ? asVector : constant).buffer);
  return {
    node: node.name,
    op: node.op,
    operands: [{ tensor }, packed ? { data: packed } : { tensor: other }],
    output: node.outputs[0]!,
    parameters: [],
    ...useKernel('add_float32', {
      geometry: { groups, other_groups: perChannel ? groupCount(extent(asVector)) : groups },
    }),
    workgroups: threadGrid(groups),
    macs: 0,
    accumulates: false,
  };
}

/**
 * Add: of two 8-bit tensors (one 8-bit result for each pair of bytes), or of two float32 tensors, where
 * the engine leaves the add in float (one IEEE rounding, by integers on the GPU).
 */
export const add: Op = {
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
    if (functionsOf(node, context, { a: qa, b: qb, output: qy, relu: false }).tail && !sameShape(a.shape, b.shape))
      refuse(node, `operands of shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`, 'equal shapes');
    return output;
  },

  reference(node, context, operand) {
    const info = context.info(node.outputs[0]!);
    const elements = elementCount(info.shape);
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
    const { body, tail, isTail } = functionsOf(node, context, layerOf(node, context));
    const { channels, height, width } = extent(info);
    const plane = height * width;
    const inTail = (i: number): boolean => {
      const image = Math.floor(i / (plane * channels));
      return isTail!((image * plane + (i % plane)) * channels + (Math.floor(i / plane) % channels), elements);
    };
    return referencePairs(node, context, operand, (x, y, i) => (tail && isTail && inTail(i) ? tail : body)(x, y));
  },

  lower(node, context) {
    const info = context.info(node.outputs[0]!);
    if (info.type === 'float32') return lowerFloat(node, context);
    const layer = layerOf(node, context);
    const { body, tail, isTail } = functionsOf(node, context, layer);
    const { output } = layer;
    const slope = { a: layer.a.scale / output.scale, b: layer.b.scale / output.scale };
    const step = lowerPairs(node, context, body, (f, swapped) =>
      proveAdd(f, swapped ? { a: slope.b, b: slope.a } : slope),
    );
    const tails = tail && isTail ? tailRanges(isTail, elementCount(info.shape)) : [];
    if (!tail || tails.length === 0) return step;
    const { channels, groups: channelGroups } = extent(info);
    const { groups, a_sign, b_sign } = step.geometry as Record<'groups' | 'a_sign' | 'b_sign', number>;
    return {
      ...step,
      operands: [...step.operands, { data: Uint32Array.from(tails.flat()) }, { data: addTable(onCodes(layer, tail)) }],
      ...useKernel('add_tail', {
        geometry: { groups, a_sign, b_sign, channels, channel_groups: channelGroups, tails: tails.length },
        overrides: { OUTPUT_SIGN: step.overrides['OUTPUT_SIGN']! },
        slots: { combine: step.slots['combine']! },
      }),
      workgroups: threadGrid(groups),
    };
  },
};
