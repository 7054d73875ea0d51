import { byteRange, newElementData, type GraphNode } from '../graph/graph.ts';
import type { Window } from './layer.ts';
import { byteInput, expectOperands, integers, placeOf, refuse, type OpContext, type Operator } from './operator.ts';
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

/** MaxPool: x [N, C, H, W] 8 bits; y [N, C, H', W'] of the same type and quantization. */
export const maxPool: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = byteInput(node, context);
    const { size } = poolWindow(node, context);
    return { ...input, name: node.outputs[0]!, shape: [...input.shape.slice(0, 2), ...size] };
  },

  reference(node, context, operand) {
    const { type, shape } = context.info(node.inputs[0]!);
    const [height, width] = [shape[2]!, shape[3]!];
    const window = poolWindow(node, context);
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

  define: (node, context) => ({ kind: 'max_pool', window: poolWindow(node, context) }),

  layer: (node, context) => ({ kind: 'max_pool', ...placeOf(node, context), window: poolWindow(node, context) }),
};
