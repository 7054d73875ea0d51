import { InvalidModelError } from '../../errors.ts';
import { elementCount } from '../../graph/graph.ts';
import { expectOutput, label, refuse, type Operator } from '../operator.ts';
import { axisOf, integerList, moveOp } from './move.ts';
import { picking, range } from './slice.ts';

/** The input's index at position i of a padded axis (negative before it begins). */
const MODES: Readonly<Record<string, (i: number, size: number) => number>> = {
  constant: (i, size) => (i < 0 || i >= size ? -1 : i),
  edge: (i, size) => Math.min(Math.max(i, 0), size - 1),
  reflect: (i, size) => {
    const period = Math.max(1, 2 * (size - 1));
    const at = ((i % period) + period) % period;
    return at < size ? at : period - at;
  },
  wrap: (i, size) => ((i % size) + size) % size,
};

/**
 * Pad: constant, edge, reflect, wrap; negative pads crop. Of an 8-bit tensor the fill is a value of its type, and 0
 * where none is given, whatever its zero point.
 */
export const pad: Operator = moveOp((node, context, input) => {
  const { shape } = input;
  const mode = String(node.attributes['mode'] ?? 'constant');
  const indexOf = Object.hasOwn(MODES, mode)
    ? MODES[mode]!
    : refuse(node, `mode ${mode}`, Object.keys(MODES).join(', '));
  const given = integerList(node, context, 'pads', 1);
  const axes = (integerList(node, context, 'axes', 3) ?? range(shape.length)).map((a) => axisOf(node, a, shape.length));
  if (!given || given.length !== 2 * axes.length)
    throw new InvalidModelError(`${label(node)}: ${given?.length ?? 0} pads for ${axes.length} axes`);
  const value = node.inputs[2] ? context.constant(node.inputs[2]) : undefined;
  if (node.inputs[2] && !value) return refuse(node, `a computed value '${node.inputs[2]}'`, 'a constant value');
  if (value && (elementCount(value.shape) !== 1 || value.type !== input.type))
    throw new InvalidModelError(`${label(node)}: a ${value.type} value of shape [${value.shape.join(', ')}]`);
  const padded = shape.map((size, axis) => {
    const at = axes.indexOf(axis);
    const [before, after] = at < 0 ? [0, 0] : [given[at]!, given[at + axes.length]!];
    return { size, before, length: Math.max(0, size + before + after) };
  });
  expectOutput(
    node,
    padded.map(({ length }) => length),
  );
  const picks = padded.map(({ size, before, length }) => range(length, -before).map((i) => indexOf(i, size)));
  return picking(picks, value ? Number(value.data[0]) : Number(node.attributes['value'] ?? 0));
});
