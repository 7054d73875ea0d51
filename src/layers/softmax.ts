import { elementCount, newElementData, type GraphNode } from '../graph/graph.ts';
import { f32, INT32_END } from '../engines/rounding.ts';
import type { SoftmaxFunctions } from '../engines/engine.ts';
import { extent } from './layout.ts';
import {
  askEngine,
  byteInput,
  expectOperands,
  placeOf,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type OpContext,
  type Operator,
} from './operator.ts';

/** ONNX names an axis; before operator set 13 all dimensions from it on are one row. */
function expectChannels(node: GraphNode, shape: readonly number[]): void {
  const { axis, opset = 13 } = node.attributes;
  if (axis === undefined) return;
  const first = Number(axis) < 0 ? Number(axis) + shape.length : Number(axis);
  const channels = shape.length === 4 ? 1 : shape.length - 1;
  const row = Number(opset) < 13 ? shape.slice(first) : [shape[first]!];
  const isRow = Number(opset) < 13 ? first <= channels : first === channels;
  if (!isRow || elementCount(row) !== shape[channels])
    refuse(
      node,
      `over axis ${axis} of [${shape.join(', ')}]`,
      'the channels: axis 1 of 4 dimensions, otherwise the last one',
    );
}

function functionsOf(node: GraphNode, context: OpContext, output = context.info(node.outputs[0]!)): SoftmaxFunctions {
  const { softmax, name } = context.engine;
  if (!softmax) return refuse(node, `engine '${name}'`, 'engines that define a Softmax of 8 bits');
  const input = context.info(node.inputs[0]!);
  const { channels } = extent(input);
  const functions = askEngine(node, () =>
    softmax({
      count: channels,
      input: tensorQuantization(node, input),
      output: tensorQuantization(node, output),
      beta: Number(node.attributes['beta'] ?? 1),
    }),
  );
  const { terms } = functions;
  const most = Math.floor((INT32_END - 1) / terms[0]!);
  if (terms instanceof Int32Array && channels > most)
    return refuse(node, `a softmax of ${channels} values`, `up to ${most}, whose sum is an int32`);
  return functions;
}

/** Softmax over the channels: x, y of 8 bits and any shape; the channels are the last dimension where there are not four. */
export const softmax: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = byteInput(node, context);
    expectChannels(node, input.shape);
    const output = quantizedOutput(node, context, input.shape);
    functionsOf(node, context, output);
    return output;
  },

  reference(node, context, operand) {
    const output = context.info(node.outputs[0]!);
    const functions = functionsOf(node, context);
    const { terms } = functions;
    const round = terms instanceof Float32Array ? f32 : (x: number) => x;
    const { batch, channels, height, width } = extent(output);
    const plane = height * width;
    const x = operand(0) as Uint8Array;
    const data = newElementData(output.type as 'uint8' | 'int8', x.length);
    for (let image = 0; image < batch; image++)
      for (let pixel = 0; pixel < plane; pixel++) {
        const at = (channel: number): number => (image * channels + channel) * plane + pixel;
        let largest = -Infinity;
        for (let c = 0; c < channels; c++) largest = Math.max(largest, x[at(c)]!);
        let sum = 0;
        for (let c = 0; c < channels; c++) sum = round(sum + terms[largest - x[at(c)]!]!);
        for (let c = 0; c < channels; c++) data[at(c)] = functions.output(largest - x[at(c)]!)(sum);
      }
    return { data };
  },

  define: (node, context) => ({
    kind: 'softmax',
    output: tensorQuantization(node, context.info(node.outputs[0]!)),
  }),
  layer: (node, context) => ({ kind: 'softmax', ...placeOf(node, context), functions: functionsOf(node, context) }),
};
