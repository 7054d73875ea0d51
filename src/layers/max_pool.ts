import { byteRange, newElementData, type GraphNode } from '../graph/graph.ts';
import type { Window } from './layer.ts';
import { axisOf, integerList } from './moves/move.ts';
import {
  byteInput,
  expectOperands,
  expectWindow,
  integers,
  placeOf,
  refuse,
  type OpContext,
  type Operator,
} from './operator.ts';
import { forEachWindow, windowOf } from './window.ts';

/** Windows side by side, as many as the output has. */
function adaptiveWindow(node: GraphNode, context: OpContext): Window {
  const { shape } = context.info(node.inputs[0]!);
  const size = integers(node, 'output_size', 2, 1) as [number, number];
  const [height, width] = [shape[2]! / size[0], shape[3]! / size[1]];
  if (shape.length !== 4 || !Number.isInteger(height) || !Number.isInteger(width))
    return refuse(node, `averages of [${shape.join(', ')}] to ${size.join(' by ')}`, 'sizes that divide the input');
  return windowOf({ ...node, attributes: { strides: [height, width] } }, [height, width], [shape[2]!, shape[3]!]);
}

/** A pool's window over its input [N, C, H, W]. */
export function poolWindow(node: GraphNode, context: OpContext): Window {
  if (node.attributes['output_size'] !== undefined) return adaptiveWindow(node, context);
  const { shape } = context.info(node.inputs[0]!);
  if (shape.length !== 4) return refuse(node, `input of shape [${shape.join(', ')}]`, '4-D inputs');
  const kernel = integers(node, 'kernel_shape', 2, 0) as [number, number];
  const window = windowOf(node, kernel, [shape[2]!, shape[3]!]);
  const isSame = String(node.attributes['auto_pad'] ?? '').startsWith('SAME');
  // onnxruntime has its own ideas there: dilations do not widen the window, and the padding may be negative
  const skips = [0, 1].some((i) => (window.size[i]! - 1) * window.strides[i]! + kernel[i]! < shape[i + 2]!);
  if (isSame && (skips || window.dilations.some((d) => d > 1)))
    return refuse(node, 'auto_pad with dilations, or with strides that skip elements', 'explicit pads there');
  return window;
}

/** The axes of [N, C, H, W] that a reduction is over, in order: one or both of the last two. */
export function reducedAxes(node: GraphNode, context: OpContext): number[] {
  const { shape } = context.info(node.inputs[0]!);
  const given = integerList(node, context, 'axes', 1) ?? [];
  const axes = [...new Set(given.map((axis) => axisOf(node, axis, shape.length)))].sort();
  if (shape.length !== 4 || axes.length === 0 || axes.includes(0) || axes.includes(1))
    return refuse(node, `axes [${given.join(', ')}] of shape [${shape.join(', ')}]`, 'axes 2 and 3 of four');
  return axes;
}

/** What a reduction takes of its input: the whole of these axes. */
export function reducedWindow(node: GraphNode, context: OpContext): Window {
  const { shape } = context.info(node.inputs[0]!);
  const axes = reducedAxes(node, context);
  const [rows, columns] = [2, 3].map((axis) => (axes.includes(axis) ? shape[axis]! : 1)) as [number, number];
  expectWindow(node, rows * columns);
  const size: [number, number] = [shape[2]! / rows, shape[3]! / columns];
  return { kernel: [rows, columns], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], size };
}

/** onnxruntime takes 1 alone for true here. */
export const keepsDimensions = (node: GraphNode): boolean => (node.attributes['keepdims'] ?? 1) === 1;

/** The largest of windows: y has the type and the quantization of x. */
const largestOf = (
  windowAt: (node: GraphNode, context: OpContext) => Window,
  shapeOf: (input: readonly number[], window: Window, node: GraphNode, context: OpContext) => readonly number[],
): Operator => ({
  infer(node, context) {
    expectOperands(node, 1);
    const input = byteInput(node, context);
    return { ...input, name: node.outputs[0]!, shape: shapeOf(input.shape, windowAt(node, context), node, context) };
  },

  reference(node, context, operand) {
    const { type, shape } = context.info(node.inputs[0]!);
    const [height, width] = [shape[2]!, shape[3]!];
    const window = windowAt(node, context);
    const x = operand(0) as Uint8Array;
    const [min] = byteRange(type as 'uint8' | 'int8');
    const [plane, outPlane] = [height * width, window.size[0] * window.size[1]];
    const data = newElementData(type as 'uint8' | 'int8', (x.length / plane) * outPlane);
    forEachWindow(window, [height, width], (output, places) => {
      for (let from = 0, to = output; from < x.length; from += plane, to += outPlane)
        data[to] = places.reduce((largest, place) => Math.max(largest, x[from + place]!), min);
    });
    return { data };
  },

  define: (node, context) => ({ kind: 'max_pool', window: windowAt(node, context) }),

  layer: (node, context) => ({ kind: 'max_pool', ...placeOf(node, context), window: windowAt(node, context) }),
});

/** MaxPool: x [N, C, H, W] 8 bits; y [N, C, H', W']. */
export const maxPool = largestOf(poolWindow, (input, { size }) => [...input.slice(0, 2), ...size]);

/** ReduceMax over height, width or both: x [N, C, H, W] 8 bits; of both without keepdims y [N, C]. */
export const reduceMax = largestOf(reducedWindow, (input, { size }, node, context) => {
  const plane = input.slice(0, 2);
  if (keepsDimensions(node)) return [...plane, ...size];
  return reducedAxes(node, context).length === 2 ? plane : refuse(node, 'one axis without keepdims', 'axes 2 and 3');
});
