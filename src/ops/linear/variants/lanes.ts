import type { Features } from '../../features.ts';
import { outputPixels, windowGeometry } from '../geometry.ts';
import { inputFlip, laneCorrections, packLaneWeights, paddingWord, startingSums } from '../floats.ts';
import { notSaturating } from './conditions.ts';
import type { LinearTask, LinearVariant, LoweredLinear } from './variant.ts';

/** Words of weights that fit in registers: four quads of four words. */
const MOST_QUADS = 4;
/** The longest array of sums that lanes_chunked carries. */
const MOST_ROWS = 64;

/** Words of 4 channels that an output sums over. */
function wordsOf({ linear }: LinearTask): number {
  const [kh, kw] = linear.layer.kernel;
  return kh * kw * linear.input.groups;
}

/** Quads of words a chunk: the size that pads least, the largest one of these. */
function quadsOf(words: number): number {
  const padded = (quads: number): number => Math.ceil(words / (4 * quads)) * 4 * quads;
  const sizes = Array.from({ length: MOST_QUADS }, (_, i) => MOST_QUADS - i);
  return sizes.reduce((best, quads) => (padded(quads) < padded(best) ? quads : best));
}

function admits(task: LinearTask): true | string {
  if (task.linear.layer.groups !== 1) return 'it has groups';
  const saturating = notSaturating(task);
  if (saturating !== true) return saturating;
  return startingSums(task.linear) !== undefined || 'sums of a channel can reach 2^24, which f32 does not hold exactly';
}

function lower(task: LinearTask, rows: number, link: string): LoweredLinear {
  const { linear, kind } = task;
  const words = wordsOf(task);
  const quads = quadsOf(words);
  const chunks = Math.ceil(words / (4 * quads));
  const pixels = outputPixels(linear);
  const window = kind === 'conv';
  return {
    kernel: chunks > 1 ? 'lanes_chunked' : 'lanes',
    links: [link, window ? 'input/window' : 'input/pixel', 'shared/byte_lanes'],
    operands: [packLaneWeights(linear, words, 4 * quads), laneCorrections(linear, startingSums(linear)!)],
    geometry: {
      ...windowGeometry(linear),
      pixels,
      rows,
      input_flip: inputFlip(linear),
      padding: paddingWord(linear),
      ...(chunks > 1 ? { chunks } : {}),
    },
    overrides: {},
    unroll: { QUADS: quads },
    workgroups: [Math.ceil(linear.output.groups / 4), Math.ceil(pixels / rows), 1],
    floatSums: true,
  };
}

/** Pixels of a workgroup. */
const ROWS = [49, 28, 64];

/**
 * Weight-stationary, f32 lanes along the outputs; words of the input are shared by the four lanes of a
 * subgroup. For adapters that compute on the processor's cores.
 */
export const lanes: LinearVariant = {
  name: 'lanes',
  kinds: ['pointwise', 'conv', 'gemm'],
  tiles: ROWS,
  admits(task, { subgroups }: Features) {
    if (subgroups?.min !== 4 || subgroups.max !== 4) return 'the device has no subgroups of four lanes';
    return admits(task);
  },
  lower: (task, _features, rows) => lower(task, Math.min(rows, MOST_ROWS), 'shared/lanes_subgroup'),
};

/** The same without subgroups: every lane loads every word. */
export const lanesPlain: LinearVariant = {
  name: 'lanes_plain',
  kinds: ['pointwise', 'conv', 'gemm'],
  tiles: ROWS,
  admits,
  lower: (task, _features, rows) => lower(task, Math.min(rows, MOST_ROWS), 'shared/lanes_plain'),
};
