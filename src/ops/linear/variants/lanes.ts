import type { Features } from '../../features.ts';
import { outputPixels, windowGeometry } from '../geometry.ts';
import { inputFlip, laneCorrections, packLaneWeights, paddingWord, startingSums } from '../floats.ts';
import { notSaturating } from './conditions.ts';
import type { LinearTask, LinearVariant, LoweredLinear } from './variant.ts';

/** Quads of words of weights that a thread keeps: more would make a loop of more text than processors keep decoded. */
const MOST_QUADS = 4;
/** The same where one chunk is all there is, and no sums are carried. */
const MOST_QUADS_ALONE = 6;
/** The longest array of sums that lanes_chunked carries, and what that costs: as much as so many quads. */
const MOST_SUMS = 64;
const SUMS_COST = 1.5;
/** A workgroup has more pixels than these, which share its weights, where there are workgroups enough without. */
const LEAST_ROWS = 28;
const ENOUGH_WORKGROUPS = 32;

/** Words of 4 channels that an output sums over. */
function wordsOf({ linear }: LinearTask): number {
  const [kh, kw] = linear.layer.kernel;
  return kh * kw * linear.input.groups;
}

/** Quads of words a chunk: what costs least, padding included. */
function quadsOf(words: number): number {
  const quads = Math.ceil(words / 4);
  if (quads <= MOST_QUADS_ALONE) return quads;
  const cost = (size: number): number => Math.ceil(quads / size) * (size + SUMS_COST);
  const sizes = Array.from({ length: MOST_QUADS }, (_, i) => MOST_QUADS - i);
  return sizes.reduce((best, size) => (cost(size) < cost(best) ? size : best));
}

function admits(task: LinearTask): true | string {
  if (task.linear.layer.groups !== 1) return 'it has groups';
  const saturating = notSaturating(task);
  if (saturating !== true) return saturating;
  return startingSums(task.linear) !== undefined || 'sums of a channel can reach 2^24, which f32 does not hold exactly';
}

function lower(task: LinearTask, mostRows: number, link: string): LoweredLinear {
  const { linear, kind } = task;
  const words = wordsOf(task);
  const quads = quadsOf(words);
  const chunks = Math.ceil(words / (4 * quads));
  // a lone chunk as long as others are has their pipeline: one less to compile is worth more than sums not carried
  const carried = chunks > 1 || quads === MOST_QUADS;
  const pixels = outputPixels(linear);
  const window = kind === 'conv';
  // of few words, the requantization is most of the text: two groups of outputs share what is loaded
  const groups = quads === 1 && !window && linear.output.groups % 8 === 0 ? 2 : 1;
  const columns = Math.ceil(linear.output.groups / 4 / groups);
  const most = carried ? Math.min(mostRows, MOST_SUMS) : mostRows;
  const rows = Math.min(most, Math.max(LEAST_ROWS, Math.ceil((pixels * columns) / ENOUGH_WORKGROUPS)));
  return {
    kernel: carried ? 'lanes_chunked' : 'lanes',
    links: [link, window ? 'input/window' : 'input/pixel', 'shared/byte_lanes'],
    operands: [packLaneWeights(linear, words, 4 * quads), laneCorrections(linear, startingSums(linear)!)],
    geometry: {
      ...windowGeometry(linear),
      pixels,
      rows,
      input_flip: inputFlip(linear),
      padding: paddingWord(linear),
      ...(carried ? { chunks } : {}),
    },
    overrides: {},
    unroll: { QUADS: quads, ...(!carried ? { GROUPS: groups } : {}) },
    workgroups: [columns, Math.ceil(pixels / rows), 1],
    floatSums: true,
  };
}

/** Pixels of a workgroup, at most. */
const ROWS = [196, 98, 49, 28];

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
  lower: (task, _features, rows) => lower(task, rows, 'shared/lanes_subgroup'),
};

/** The same without subgroups: every lane loads every word. */
export const lanesPlain: LinearVariant = {
  name: 'lanes_plain',
  kinds: ['pointwise', 'conv', 'gemm'],
  tiles: ROWS,
  admits,
  lower: (task, _features, rows) => lower(task, rows, 'shared/lanes_plain'),
};
