import { InvalidModelError } from '../../errors.ts';
import { expectOutput, label, refuse, type Operator } from '../operator.ts';
import { moveOp } from './move.ts';
import { range } from './slice.ts';

/**
 * DepthToSpace: each b * b channels of a pixel become one channel of b by b pixels. In mode DCR those of a block are apart
 * by as many channels as the output has, in mode CRD they are neighbours.
 */
export const depthToSpace: Operator = moveOp((node, _context, { shape }) => {
  const { blocksize, mode = 'DCR' } = node.attributes;
  const b = Number(blocksize);
  if (mode !== 'DCR' && mode !== 'CRD') return refuse(node, `mode ${String(mode)}`, 'DCR, CRD');
  const [n, depth, h, w] = shape as [number, number, number, number];
  if (shape.length !== 4 || !Number.isInteger(b) || b < 1 || depth % (b * b) !== 0)
    throw new InvalidModelError(`${label(node)}: blocks of ${b} by ${b} from shape [${shape.join(', ')}]`);
  const channels = depth / (b * b);
  const output = [n, channels, h * b, w * b];
  expectOutput(node, output);
  const [ofChannel, ofBlock] = mode === 'DCR' ? [1, channels] : [b * b, 1];
  const inDepth = (count: number, step: number) => ({ axis: 1, indices: range(count).map((i) => i * step) });
  return {
    shape: output,
    taken: [
      { axis: 0, indices: range(n) },
      inDepth(channels, ofChannel),
      { axis: 2, indices: range(h) },
      inDepth(b, b * ofBlock),
      { axis: 3, indices: range(w) },
      inDepth(b, ofBlock),
    ],
  };
});

/** SpaceToDepth: each b by b pixels become one, whose channels are all of the first pixel's, then all of the next one's. */
export const spaceToDepth: Operator = moveOp((node, _context, { shape }) => {
  const b = Number(node.attributes['blocksize']);
  const [n, channels, h, w] = shape as [number, number, number, number];
  if (shape.length !== 4 || !Number.isInteger(b) || b < 1 || h % b !== 0 || w % b !== 0)
    throw new InvalidModelError(`${label(node)}: blocks of ${b} by ${b} from shape [${shape.join(', ')}]`);
  const first = (axis: number, count: number) => ({ axis, indices: range(count).map((i) => i * b) });
  return {
    shape: [n, channels * b * b, h / b, w / b],
    taken: [
      { axis: 0, indices: range(n) },
      { axis: 2, indices: range(b) },
      { axis: 3, indices: range(b) },
      { axis: 1, indices: range(channels) },
      first(2, h / b),
      first(3, w / b),
    ],
  };
});
