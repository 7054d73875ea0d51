import type { GraphNode } from '../../graph/graph.ts';
import { refuse, type OpContext } from '../operator.ts';
import type { Linear } from '../layer.ts';
import { rawWeights } from './weights.ts';

/**
 * The output channels in which some input makes a pair of raw products leave int16: only there does an
 * engine that saturates pairs differ from exact accumulation. The pairs are neighbours in the order ky, kx, c.
 */
export function saturatingChannels(node: GraphNode, context: OpContext, linear: Linear): number {
  const { layer } = linear;
  if (context.engine.accumulation(layer) === 'exact') return 0;
  if (layer.input.type !== 'uint8' || !linear.weightSigned || layer.weightZeroPoint.some((z) => z !== 0))
    return refuse(
      node,
      `engine '${context.engine.name}' saturates pairs of products here`,
      'uint8 inputs and int8 weights with zero point 0 for it',
    );
  let channels = 0;
  for (let o = 0; o < layer.outputChannels; o++) {
    const w = rawWeights(linear, o);
    const overflows = (k: number): boolean => {
      const pair = [w[k]!, w[k + 1] ?? 0];
      const most = 255 * pair.reduce((sum, v) => sum + Math.max(v, 0), 0);
      const least = 255 * pair.reduce((sum, v) => sum + Math.min(v, 0), 0);
      return most > 32767 || least < -32768;
    };
    for (let k = 0; k < w.length; k += 2)
      if (overflows(k)) {
        channels++;
        break;
      }
  }
  return channels;
}
