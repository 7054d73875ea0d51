import { InvalidModelError } from '../errors.ts';
import { elementCount, newElementData, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import { fma } from '../engines/float32.ts';
import { f32, roundHalfAway } from '../engines/rounding.ts';
import type { Interpolation, ResizeFunctions } from '../engines/engine.ts';
import {
  askEngine,
  byteInput,
  expectOperands,
  expectOutput,
  integers,
  isTrue,
  label,
  placeOf,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type OpContext,
  type Operator,
} from './operator.ts';

function functionsOf(node: GraphNode, context: OpContext, { shape }: TensorInfo): ResizeFunctions {
  const { resize, name } = context.engine;
  if (!resize) return refuse(node, `engine '${name}'`, 'engines that define a bilinear resize of 8 bits');
  const input = context.info(node.inputs[0]!);
  const layer = {
    type: tensorQuantization(node, input).type,
    aligned: isTrue(node, 'align_corners'),
    halfPixels: isTrue(node, 'half_pixel_centers'),
    from: [input.shape[2]!, input.shape[3]!],
    to: [shape[2]!, shape[3]!],
  } as const;
  return askEngine(node, () => resize(layer));
}

type Four = readonly [number, number, number, number];
type Weights = readonly [number, number];

/** A value between four: top left, top right, bottom left, bottom right. */
function between(how: Interpolation): (four: Four, rows: Weights, columns: Weights) => number {
  if (how.as === 'integers')
    return (four, rows, columns) => {
      const sum = four.reduce((total, value, i) => total + value * rows[i >> 1]! * columns[i & 1]!, 0) / 2 ** how.shift;
      return how.half === 'up' ? Math.floor(sum + 0.5) : roundHalfAway(sum);
    };
  const { weightsFirst, fused } = how;
  const order = weightsFirst ? [0, 1, 2, 3] : [0, 2, 1, 3];
  return (four, rows, columns) => {
    const factors = order.map((at): [number, number] => {
      const [value, row, column] = [four[at]!, rows[at >> 1]!, columns[at & 1]!];
      return weightsFirst ? [value, f32(row * column)] : [f32(value * row), column];
    });
    const products = factors.map(([a, b]) => f32(a * b));
    const [first, , ...others] = factors as [[number, number], [number, number]];
    const sum = fused
      ? (others as [number, number][]).reduce((total, [a, b]) => fma(a, b, total), fma(...first, products[1]!))
      : products.reduce((total, product) => f32(total + product));
    return Math.trunc(f32(sum + 0.5));
  };
}

/** ResizeBilinear: x [N, C, H, W] 8 bits; y [N, C, H', W'] 8 bits, by the attribute `sizes`. */
export const resizeBilinear: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = byteInput(node, context);
    const sizes = integers(node, 'sizes', 2, 0);
    if (input.shape.length !== 4) refuse(node, `input of shape [${input.shape.join(', ')}]`, '4-D inputs');
    if (!sizes.every((size) => size > 0)) throw new InvalidModelError(`${label(node)}: sizes are positive`);
    const output = quantizedOutput(node, context, [...input.shape.slice(0, 2), ...sizes]);
    expectOutput(node, output.shape);
    if (output.type !== input.type) refuse(node, `${input.type} to ${output.type}`, 'one type');
    functionsOf(node, context, output);
    return output;
  },

  reference(node, context, operand) {
    const output = context.info(node.outputs[0]!);
    const { rows, columns, interpolation } = functionsOf(node, context, output);
    const x = operand(0) as Uint8Array;
    const [, , height, width] = context.info(node.inputs[0]!).shape as [number, number, number, number];
    const of = between(interpolation);
    const planes = x.length / (height * width);
    const data = newElementData(output.type as 'uint8' | 'int8', elementCount(output.shape));
    let i = 0;
    for (let plane = 0; plane < planes; plane++)
      for (const [y, top] of rows.first.entries())
        for (const [column, left] of columns.first.entries()) {
          const at = (row: number, of: number): number => x[(plane * height + row) * width + of]!;
          const [bottom, right] = [rows.second[y]!, columns.second[column]!];
          data[i++] = of(
            [at(top, left), at(top, right), at(bottom, left), at(bottom, right)],
            [rows.weights[0][y]!, rows.weights[1][y]!],
            [columns.weights[0][column]!, columns.weights[1][column]!],
          );
        }
    return { data };
  },

  layer(node, context) {
    const place = placeOf(node, context);
    return { kind: 'resize_bilinear', ...place, functions: functionsOf(node, context, place.writes) };
  },
};
