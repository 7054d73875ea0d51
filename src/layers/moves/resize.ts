import { InvalidModelError } from '../../errors.ts';
import { f32, roundHalfAway } from '../../engines/rounding.ts';
import { expectOutput, label, refuse, type Operator, type OpContext } from '../operator.ts';
import type { GraphNode } from '../../graph/graph.ts';
import { axisOf, integerList, moveOp } from './move.ts';
import { picking, range } from './slice.ts';

interface Scaling {
  /** Of output to input, and as PyTorch has it of input to output, in float32. */
  readonly scale: number;
  readonly inverse: number;
  /** Of the output. */
  readonly size: number;
}

/** A position in the input, in float32 as onnxruntime or PyTorch computes it, from a position in the output. */
export const COORDINATES: Readonly<Record<string, (i: number, scaling: Scaling, input: number) => number>> = {
  asymmetric: (i, { scale }) => f32(i / scale),
  half_pixel: (i, { scale }) => f32(f32(f32(i + 0.5) / scale) - 0.5),
  pytorch_half_pixel: (i, { scale, size }) => (size > 1 ? f32(f32(f32(i + 0.5) / scale) - 0.5) : 0),
  pytorch_nearest: (i, { inverse }) => f32(i * inverse),
  align_corners: (i, { size }, input) => (size === 1 ? 0 : f32(f32(i * (input - 1)) / (size - 1))),
};

const NEAREST: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => (x === Math.trunc(x) + 0.5 ? Math.floor(x) : roundHalfAway(x)),
  round_prefer_ceil: roundHalfAway,
  floor: Math.floor,
  ceil: Math.ceil,
};

export function choice<T>(
  node: GraphNode,
  attribute: string,
  fallback: string,
  choices: Readonly<Record<string, T>>,
): T {
  const name = String(node.attributes[attribute] ?? fallback);
  if (!Object.hasOwn(choices, name)) return refuse(node, `${attribute} ${name}`, Object.keys(choices).join(', '));
  return choices[name]!;
}

/** Scales and sizes of every axis, positive, from the operands `scales` (2) or `sizes` (3). */
export function scaling(node: GraphNode, context: OpContext, shape: readonly number[]): Scaling[] {
  const axes = (integerList(node, context, 'axes', -1) ?? range(shape.length)).map((a) =>
    axisOf(node, a, shape.length),
  );
  const operand = (index: number) => {
    const name = node.inputs[index];
    const constant = name ? context.constant(name) : undefined;
    if (name && !constant) return refuse(node, `computed '${name}'`, 'constant scales and sizes');
    return constant && constant.data.length > 0 ? Array.from(constant.data as Float32Array, Number) : undefined;
  };
  const sizes = operand(3);
  const scales = sizes ? undefined : operand(2);
  const given = sizes ?? scales;
  if (!given || given.length !== axes.length)
    throw new InvalidModelError(`${label(node)}: ${given?.length ?? 0} scales or sizes for ${axes.length} axes`);
  const scaled = shape.map((length, axis) => {
    const at = axes.indexOf(axis);
    if (at < 0) return { scale: 1, inverse: 1, size: length };
    if (sizes) return { scale: f32(sizes[at]! / length), inverse: f32(length / sizes[at]!), size: sizes[at]! };
    return {
      scale: scales![at]!,
      inverse: f32(1 / scales![at]!),
      size: Math.floor(f32(length * scales![at]!)),
    };
  });
  if (!scaled.every(({ scale, size }) => scale > 0 && Number.isInteger(size) && size > 0))
    throw new InvalidModelError(`${label(node)}: scales and sizes are positive`);
  expectOutput(
    node,
    scaled.map(({ size }) => size),
  );
  return scaled;
}

/** Resize to the nearest element, from scales or sizes. */
export const resize: Operator = moveOp((node, context, { shape }) => {
  choice(node, 'mode', 'nearest', { nearest: true });
  choice(node, 'keep_aspect_ratio_policy', 'stretch', { stretch: true });
  const coordinate = choice(node, 'coordinate_transformation_mode', 'half_pixel', COORDINATES);
  const nearest = choice(node, 'nearest_mode', 'round_prefer_floor', NEAREST);
  const scaled = scaling(node, context, shape);
  const picks = scaled.map((scaling, axis) => {
    const length = shape[axis]!;
    if (scaling.scale === 1) return range(length);
    return range(scaling.size).map((i) => Math.min(Math.max(nearest(coordinate(i, scaling, length)), 0), length - 1));
  });
  return picking(picks);
});
