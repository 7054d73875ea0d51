import { byteRange, newElementData, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import type { StepFunctions } from '../engines/engine.ts';
import type { AccumulatorRange } from '../requantize/boundaries.ts';
import { expectNoOverflow } from './linear/linear.ts';
import {
  askEngine,
  byteInput,
  expectOperands,
  expectWindow,
  placeOf,
  quantizedOutput,
  refuse,
  type OpContext,
  type Operator,
} from './operator.ts';
import { pairOf } from './pairs.ts';

function functionsOf(
  node: GraphNode,
  context: OpContext,
  output: TensorInfo,
): { readonly functions: StepFunctions; readonly range: AccumulatorRange } {
  const { matmul, name } = context.engine;
  if (!matmul) return refuse(node, `engine '${name}'`, 'engines that multiply computed matrices of bytes');
  const layer = pairOf(node, { ...context, info: (one) => (one === output.name ? output : context.info(one)) });
  const functions = askEngine(node, () => matmul(layer));
  const [ends, others] = [layer.a, layer.b].map(({ type, zeroPoint }) =>
    byteRange(type).map((end) => end - zeroPoint),
  ) as [number[], number[]];
  const products = ends.flatMap((x) => others.map((y) => x * y));
  const depth = context.info(node.inputs[0]!).shape[2]!;
  const range = {
    lo: Float64Array.of(depth * Math.min(...products)),
    hi: Float64Array.of(depth * Math.max(...products)),
  };
  expectNoOverflow(node, functions, range);
  return { functions, range };
}

const shapesOf = (node: GraphNode, context: OpContext): (readonly number[])[] =>
  node.inputs.map((name) => context.info(name).shape);

/** BatchMatMul: a [B, M, K], b [B, K, N] 8 bits, computed or constant; y [B, M, N] 8 bits. */
export const batchMatMul: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    for (const name of node.inputs) byteInput(node, context, name);
    const [a, b] = shapesOf(node, context) as [readonly number[], readonly number[]];
    if (a.length !== 3 || b.length !== 3 || a[0] !== b[0] || a[2] !== b[1])
      return refuse(node, `matrices [${a.join(', ')}] and [${b.join(', ')}]`, '[B, M, K] and [B, K, N]');
    expectWindow(node, a[2]!);
    const output = quantizedOutput(node, context, [a[0]!, a[1]!, b[2]!]);
    functionsOf(node, context, output);
    return output;
  },

  reference(node, context, operand) {
    const output = context.info(node.outputs[0]!);
    const { functions } = functionsOf(node, context, output);
    const layer = pairOf(node, context);
    const [images, rows, columns] = output.shape as [number, number, number];
    const depth = context.info(node.inputs[0]!).shape[2]!;
    const [a, b] = [operand(0), operand(1)] as [Uint8Array, Uint8Array];
    const accumulators = new Int32Array(images * rows * columns);
    let i = 0;
    for (let image = 0; image < images; image++)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          let sum = 0;
          for (let k = 0; k < depth; k++) {
            const x = a[(image * rows + row) * depth + k]! - layer.a.zeroPoint;
            sum += x * (b[(image * depth + k) * columns + column]! - layer.b.zeroPoint);
          }
          accumulators[i++] = sum;
        }
    const data = newElementData(layer.output.type, accumulators.length);
    const f = functions.at(0);
    for (const [at, sum] of accumulators.entries()) data[at] = f(sum);
    return { data, accumulators };
  },

  layer(node, context) {
    const place = placeOf(node, context);
    const constant = node.inputs.map((name) => context.constant(name)).find((one) => one);
    return {
      kind: 'matmul',
      ...place,
      reads: node.inputs.map((name) => context.info(name)),
      ...(constant && { constant }),
      ...functionsOf(node, context, place.writes),
    };
  },
};
