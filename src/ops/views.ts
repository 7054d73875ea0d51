import { InvalidModelError } from '../errors.ts';
import { elementCount, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import { extentOf } from './layout.ts';
import { expectOperands, label, refuse, type Op, type OpContext } from './op.ts';

/** The same values in another shape; only where the elements keep their place in NHWC memory. */
function view(outputShape: (node: GraphNode, context: OpContext, input: TensorInfo) => readonly number[]): Op {
  return {
    infer(node, context) {
      expectOperands(node, 1);
      const input = context.info(node.inputs[0]!);
      const shape = outputShape(node, context, input);
      const [from, to] = [extentOf(input.shape), extentOf(shape)];
      if (elementCount(shape) !== elementCount(input.shape))
        throw new InvalidModelError(
          `${label(node)}: from shape [${input.shape.join(', ')}] to [${shape.join(', ')}], which has other elements`,
        );
      const samePlaces =
        from &&
        to &&
        from.batch === to.batch &&
        from.channels === to.channels &&
        from.height * from.width === to.height * to.width;
      if (!samePlaces)
        refuse(
          node,
          `from shape [${input.shape.join(', ')}] to [${shape.join(', ')}]`,
          'between [N, C, 1, 1] and [N, C], where elements keep their place',
        );
      return { ...input, name: node.outputs[0]!, shape };
    },
    reference: (_node, _context, operand) => ({ data: operand(0).slice() }),
    lower: (node) => ({ alias: node.inputs[0]! }),
  };
}

export const reshape = view((node, context, input) => {
  const target = context.constant(node.inputs[1] ?? '');
  if (!target) return refuse(node, `a computed shape '${node.inputs[1] ?? ''}'`, 'shapes that follow from constants');
  const dims = Array.from(target.data as BigInt64Array, Number);
  const keepsZero = node.attributes['allowzero'] === 1;
  const shape = dims.map((d, i) => (d === 0 && !keepsZero ? (input.shape[i] ?? 0) : d));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = elementCount(input.shape) / shape.reduce((p, d) => (d === -1 ? p : p * d), 1);
  if (!shape.every((d) => Number.isInteger(d) && d >= 0))
    throw new InvalidModelError(`${label(node)}: [${input.shape.join(', ')}] cannot become [${dims.join(', ')}]`);
  return shape;
});

export const flatten = view((node, _context, input) => {
  const given = Number(node.attributes['axis'] ?? 1);
  const axis = given < 0 ? given + input.shape.length : given;
  return [elementCount(input.shape.slice(0, axis)), elementCount(input.shape.slice(axis))];
});

export const identity = view((_node, _context, input) => input.shape);
