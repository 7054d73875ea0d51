import { elementCount, newElementData, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import { f32 } from '../engines/rounding.ts';
import type { InterpolationFunctions, Neighbours } from '../engines/engine.ts';
import { choice, COORDINATES, scaling } from './moves/resize.ts';
import {
  askEngine,
  byteInput,
  expectOperands,
  isTrue,
  placeOf,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type OpContext,
  type Operator,
} from './operator.ts';

export interface Axes {
  readonly shape: readonly number[];
  readonly rows: Neighbours;
  readonly columns: Neighbours;
}

/** Of an axis of `size` elements: the two beside each position, and how near each is; of the last one both are half of it. */
function neighbours(positions: readonly number[], size: number): Neighbours {
  const at = positions.map((position) => Math.min(Math.max(position, 0), size - 1));
  const first = Int32Array.from(at);
  const second = first.map((i) => Math.min(i + 1, size - 1));
  const weight = (other: Int32Array): Float32Array =>
    Float32Array.from(at, (position, i) => (first[i] === second[i] ? 0.5 : Math.abs(f32(position - other[i]!))));
  return { first, second, weights: [weight(second), weight(first)] };
}

/** The shape of the output, and what each of its rows and columns lies between. */
export function axesOf(node: GraphNode, context: OpContext): Axes {
  const { shape } = context.info(node.inputs[0]!);
  choice(node, 'keep_aspect_ratio_policy', 'stretch', { stretch: true });
  if (isTrue(node, 'antialias')) refuse(node, 'antialias', 'linear interpolation without it');
  const coordinate = choice(node, 'coordinate_transformation_mode', 'half_pixel', COORDINATES);
  if (shape.length !== 4) return refuse(node, `mode linear of shape [${shape.join(', ')}]`, '4-D inputs');
  const scaled = scaling(node, context, shape);
  if (scaled.slice(0, 2).some(({ scale }) => scale !== 1))
    return refuse(node, 'mode linear along batch or channels', 'along height and width');
  const [rows, columns] = [2, 3].map((axis) => {
    const length = shape[axis]!;
    const own = scaled[axis]!;
    const positions = Array.from({ length: own.size }, (_, i) => (own.scale === 1 ? i : coordinate(i, own, length)));
    return neighbours(positions, length);
  }) as [Neighbours, Neighbours];
  return { shape: scaled.map(({ size }) => size), rows, columns };
}

/** Calls `visit` for each element with the places of its four neighbours, row by row, and the products of their weights. */
export function interpolate(
  { rows, columns }: Axes,
  shape: readonly number[],
  visit: (index: number, places: readonly number[], weights: readonly number[]) => void,
): void {
  const [images, channels, height, width] = shape as [number, number, number, number];
  const lines = [rows.first, rows.second, columns.first, columns.second] as const;
  const weights = [...rows.weights, ...columns.weights] as const;
  const taken = [
    [0, 2],
    [0, 3],
    [1, 2],
    [1, 3],
  ] as const;
  let i = 0;
  for (let plane = 0; plane < images * channels; plane++)
    for (let row = 0; row < rows.first.length; row++)
      for (let column = 0; column < columns.first.length; column++)
        visit(
          i++,
          taken.map(([r, c]) => (plane * height + lines[r][row]!) * width + lines[c][column]!),
          taken.map(([r, c]) => f32(weights[r]![row]! * weights[c]![column]!)),
        );
}

function functionsOf(
  node: GraphNode,
  context: OpContext,
  output: TensorInfo = context.info(node.outputs[0]!),
): InterpolationFunctions {
  const { interpolate, name } = context.engine;
  const input = tensorQuantization(node, context.info(node.inputs[0]!));
  const layer = { input, output: tensorQuantization(node, output), float: isTrue(node, 'float') };
  const functions = askEngine(node, () => interpolate?.(layer));
  return functions ?? refuse(node, `mode linear under engine '${name}'`, 'engines whose order of evaluation is known');
}

/**
 * Resize by linear interpolation: x [N, C, H, W] 8 bits; y [N, C, H', W'] 8 bits, of the attribute `float` of its own
 * quantization, otherwise of x's.
 */
export const resizeLinear: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = byteInput(node, context);
    const { shape } = axesOf(node, context);
    const output = isTrue(node, 'float')
      ? quantizedOutput(node, context, shape)
      : { ...input, name: node.outputs[0]!, shape };
    functionsOf(node, context, output);
    return output;
  },

  reference(node, context, operand) {
    const output = context.info(node.outputs[0]!);
    const { value, output: end } = functionsOf(node, context);
    const axes = axesOf(node, context);
    const x = operand(0) as Uint8Array;
    const data = newElementData(output.type as 'uint8' | 'int8', elementCount(output.shape));
    interpolate(axes, context.info(node.inputs[0]!).shape, (i, places, weights) => {
      data[i] = end(places.reduce((sum, place, k) => f32(sum + f32(weights[k]! * value(x[place]!))), 0));
    });
    return { data };
  },

  layer: (node, context) => {
    const { rows, columns } = axesOf(node, context);
    return { kind: 'resize_linear', ...placeOf(node, context), rows, columns, functions: functionsOf(node, context) };
  },
};
