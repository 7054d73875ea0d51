import { InvalidModelError } from '../../errors.ts';
import { label, type Operator } from '../operator.ts';
import { moveOp } from './move.ts';
import { picking, range } from './slice.ts';

/**
 * Pick: of each axis the indices that the attribute `indices_AXIS` lists, in its order; all of them where there is none. -1:
 * the attribute `value`.
 */
export const pick: Operator = moveOp((node, _context, { shape }) => {
  const picks = shape.map((size, axis) => {
    const given = node.attributes[`indices_${axis}`];
    const indices = typeof given === 'object' ? given : range(size);
    if (!indices.every((i) => Number.isInteger(i) && i >= -1 && i < size))
      throw new InvalidModelError(`${label(node)}: indices beyond a dimension of ${size}`);
    return indices;
  });
  return picking(picks, Number(node.attributes['value'] ?? 0));
});
