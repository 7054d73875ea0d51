import { shadersOf, type Step } from '../../../src/kernels/step.ts';
import type { TracedTensor } from '../../../src/trace.ts';
import type { TensorComparison } from '../../compare/compare.ts';
import { featureMaps, type FeatureMaps } from '../../report/feature_maps.ts';
import { formatCount } from '../../report/format.ts';
import { element, facts } from '../dom.ts';
import type { ElementAnalysis } from '../../explain/element.ts';
import { elementOpener } from './element.ts';
import { greyCanvas } from './pictures.ts';

const CHANNELS = 8;

/**
 * What a row of the table opens to: the first mismatch, the proof, pictures of the first channels.
 *
 * @param analyze takes the first mismatch apart; undefined where there is none
 */
export function layerDetails(
  tensor: TracedTensor | undefined,
  step: Step | undefined,
  comparison: TensorComparison | undefined,
  analyze: (() => ElementAnalysis) | undefined,
): HTMLElement {
  const maps = tensor && featureMaps(tensor, CHANNELS);
  return element(
    'div',
    { class: 'detail' },
    facts([
      ['First mismatch', comparison && firstMismatch(comparison)],
      ['Quantization', tensor && quantization(tensor)],
      ['Proof', step && proof(step)],
      ['Linked shaders', step && shadersOf(step).join(', ')],
    ]),
    analyze && elementOpener(analyze),
    maps && tiles(maps),
  );
}

function firstMismatch({ first, mismatches, elements }: TensorComparison): string {
  if (!first) return `none: all ${formatCount(elements)} elements are equal`;
  return (
    `at [${first.index.join(', ')}]: ${first.expected} expected, ${first.actual} computed; ` +
    `${formatCount(mismatches)} of ${formatCount(elements)} differ`
  );
}

function quantization({ type, quantization }: TracedTensor): string {
  if (!quantization) return type;
  return `${type}, scale ${quantization.scale.join(', ')}, zero point ${quantization.zeroPoint.join(', ')}`;
}

function proof({ proof }: Step): string | undefined {
  if (!proof) return undefined;
  const rejected = proof.rejected.map(({ form, channel, reason }) => `${form} (channel ${channel}: ${reason})`);
  const what =
    proof.boundaries === undefined
      ? "is the engine's own float32 arithmetic"
      : `has the engine's own ${formatCount(proof.boundaries)} decision boundaries`;
  const channels = `${formatCount(proof.channels)} ${proof.channels === 1 ? 'channel' : 'channels'}`;
  const proved = `${proof.form} ${what} in ${channels}`;
  return rejected.length === 0 ? proved : `${proved}. Cheaper forms that have not: ${rejected.join(', ')}`;
}

function tiles({ name, maps }: FeatureMaps): HTMLElement {
  return element(
    'figure',
    {},
    element('div', { class: 'tiles' }, ...maps.map((map, i) => greyCanvas(map, `Channel ${i} of ${name}`))),
    element(
      'figcaption',
      {},
      `The first ${maps.length} channels, each from its lowest value (black) to its highest (white)`,
    ),
  );
}
