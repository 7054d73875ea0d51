import { UnsupportedModelError } from '../../src/errors.ts';
import { coordinatesOf } from '../compare/bits.ts';
import { analyzeElement, type ElementAnalysis } from '../explain/element.ts';
import type { BoundEngine } from '../explain/bound_engine.ts';
import type { ExplainedLayer } from '../explain/explanation.ts';
import { differenceMaps } from './difference_maps.ts';
import type { ReportLayer } from './explanation.ts';

/** Channels that are drawn. */
const CHANNELS = 8;

/** What the report shows of a layer: pictures of where it differs, and for one that is wrong by itself its worst element. */
export function reportLayer(layer: ExplainedLayer, bound: BoundEngine): ReportLayer {
  const { explanation, info, reference, own, theirs } = layer;
  const isOwn = explanation.origin === 'own';
  const { channels } = isOwn ? explanation.ownWhere : explanation.where;
  const maps = differenceMaps({ info, reference: isOwn ? own : reference, theirs }, channels, CHANNELS);
  const element = isOwn ? worstElement(layer, bound) : undefined;
  return { explanation, maps, ...(element ? { element } : {}) };
}

/** The first of the elements that differ most; none of an operator that is not taken apart. */
function worstElement(layer: ExplainedLayer, { graph, engine }: BoundEngine): ElementAnalysis | undefined {
  const { info, reference, own, theirs, operands, reproduced } = layer;
  let [worst, most] = [0, -1];
  for (let i = 0; i < theirs.length; i++) {
    const difference = Object.is(theirs[i], own[i]) ? -1 : Math.abs(Number(theirs[i]) - Number(own[i]));
    if (difference > most) [worst, most] = [i, difference];
  }
  try {
    return analyzeElement({
      graph,
      engine,
      tensor: info.name,
      index: coordinatesOf(worst, info.shape),
      operands,
      theirs: Number(theirs[worst]),
      reference: Number(reference[worst]),
      ...(reproduced ? { explained: reproduced(worst) } : {}),
    });
  } catch (error) {
    if (error instanceof UnsupportedModelError) return undefined;
    throw error;
  }
}
