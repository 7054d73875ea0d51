import { InvalidModelError } from '../../errors.ts';
import { label, type Op } from '../op.ts';
import { moveOp, sourcesAlong, stridesOf } from './move.ts';

/** Transpose: axis i of the output is axis perm[i] of the input. */
export const transpose: Op = moveOp((node, _context, { shape }) => {
  const given = node.attributes['perm'];
  const perm = typeof given === 'object' ? given : shape.map((_, i) => shape.length - 1 - i);
  if (perm.length !== shape.length || shape.some((_, i) => !perm.includes(i)))
    throw new InvalidModelError(
      `${label(node)}: perm [${perm.join(', ')}] of a tensor with ${shape.length} dimensions`,
    );
  const strides = stridesOf(shape);
  const output = perm.map((axis) => shape[axis]!);
  return {
    shape: output,
    sources: () =>
      sourcesAlong(output, (axis) => Array.from({ length: output[axis]! }, (_, i) => i * strides[perm[axis]!]!)),
  };
});
