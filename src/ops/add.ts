import { InvalidModelError } from '../errors.ts';
import { byteRange, elementCount, type ElementData, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import { addTable, proveAdd } from '../requantize/add.ts';
import { f32 } from '../semantics/rounding.ts';
import type { AddLayer } from '../semantics/semantics.ts';
import { extent, groupCount, pack, groupsOf } from './layout.ts';
import { expectOperands, label, quantizedOutput, refuse, tensorQuantization, type Op, type OpContext } from './op.ts';
import { signMask } from './requantization.ts';
import { threadGrid, type Step } from './step.ts';

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

export function layerOf(node: GraphNode, context: OpContext): AddLayer {
  const quantization = (name: string) => tensorQuantization(node, context.info(name));
  return {
    a: quantization(node.inputs[0]!),
    b: quantization(node.inputs[1]!),
    output: quantization(node.outputs[0]!),
    relu: node.attributes['relu'] === 1,
  };
}

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
    kernel: 'add_float32',
    links: ['shared/float32_add'],
    operands: [{ tensor }, packed ? { data: packed } : { tensor: other }],
    output: node.outputs[0]!,
    parameters: [],
    geometry: { groups, other_groups: perChannel ? groupCount(extent(asVector)) : groups },
    overrides: {},
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
    if (!sameShape(a.shape, b.shape))
      refuse(node, `8-bit operands of shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`, 'equal shapes');
    for (const name of node.inputs) if (context.constant(name)) refuse(node, `constant '${name}'`, 'computed operands');
    return quantizedOutput(node, context, a.shape);
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
    const { body, tail, isTail } = context.semantics.add(layerOf(node, context));
    const [x, y] = [operand(0), operand(1)] as [Uint8Array, Uint8Array];
    const data: ElementData = info.type === 'uint8' ? new Uint8Array(elements) : new Int8Array(elements);
    const { channels, height, width } = extent(info);
    const plane = height * width;
    for (let i = 0; i < elements; i++) {
      let f = body;
      if (tail && isTail) {
        const image = Math.floor(i / (plane * channels));
        const nhwc = (image * plane + (i % plane)) * channels + (Math.floor(i / plane) % channels);
        if (isTail(nhwc, elements)) f = tail;
      }
      data[i] = f(x[i]!, y[i]!);
    }
    return { data };
  },

  lower(node, context) {
    const info = context.info(node.outputs[0]!);
    if (info.type === 'float32') return lowerFloat(node, context);
    const layer = layerOf(node, context);
    const { body, tail, isTail } = context.semantics.add(layer);
    const [minA, minB, minY] = [layer.a, layer.b, layer.output].map((q) => byteRange(q.type)[0]) as [
      number,
      number,
      number,
    ];
    const { output } = layer;
    const slope = { a: layer.a.scale / output.scale, b: layer.b.scale / output.scale };
    const onCodes = (f: typeof body) => (a: number, b: number) => f(a + minA, b + minB) - minY;
    const proof = proveAdd(onCodes(body), slope);
    const groups = groupsOf(info);
    const tails = tail && isTail ? tailRanges(isTail, elementCount(info.shape)) : [];
    const { channels, groups: channelGroups } = extent(info);
    const operands = [{ tensor: node.inputs[0]! }, { tensor: node.inputs[1]! }];
    const geometry = { groups, a_sign: signMask(layer.a.type), b_sign: signMask(layer.b.type) };
    const step = {
      node: node.name,
      op: node.op,
      links: [`requantize/${proof.form}`],
      output: node.outputs[0]!,
      parameters: [proof.parameters],
      overrides: { OUTPUT_SIGN: signMask(layer.output.type) },
      workgroups: threadGrid(groups),
      macs: 0,
      accumulates: false,
    };
    if (!tail || tails.length === 0) return { ...step, kernel: 'add', operands, geometry };
    return {
      ...step,
      kernel: 'add_tail',
      operands: [...operands, { data: Uint32Array.from(tails.flat()) }, { data: addTable(onCodes(tail)) }],
      geometry: { ...geometry, channels, channel_groups: channelGroups, tails: tails.length },
    };
  },
};
