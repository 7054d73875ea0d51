import { InvalidModelError } from '../../errors.ts';
import { label, type Operator } from '../operator.ts';
import { moveOp } from './move.ts';
import { range } from './slice.ts';

/** Transpose: axis i of the output is axis perm[i] of the input. */
export const transpose: Operator = moveOp((node, _context, { shape }) => {
  const given = node.attributes['perm'];
  const perm = typeof given === 'object' ? given : shape.map((_, i) => shape.length - 1 - i);
  if (perm.length !== shape.length || shape.some((_, i) => !perm.includes(i)))
    throw new InvalidModelError(
      `${label(node)}: perm [${perm.join(', ')}] of a tensor with ${shape.length} dimensions`,
    );
  return {
    shape: perm.map((axis) => shape[axis]!),
    taken: perm.map((axis) => ({ axis, indices: range(shape[axis]!) })),
  };
});
