import type { Features } from '../features.ts';
import { outputPixels } from '../../layers/linear/geometry.ts';
import { inputFlip, laneCorrections, packLaneWeights, paddingWord, startingSums } from './floats.ts';
import { useKernel } from '../kernel.ts';
import { layerWindow } from '../geometry.ts';
import { dynamicSlots, hasExactSums, type LinearKernel, type LinearLayer, type LoweredLinear } from '../linear.ts';

/**
 * Quads of words of weights that a thread keeps: more would make a loop of more text than processors keep decoded, and
 * loads under a window, or of a lane by itself, are long. Half as many or more are filled up: a pipeline less to
 * compile is worth more than products with zero.
 */
const MOST_QUADS = 6;
const MOST_QUADS_OF_LONG_LOADS = 3;
/** The longest array of sums that lanes_chunked carries. */
const MOST_SUMS = 98;
/** A workgroup has more pixels than these, which share its weights, where there are workgroups enough without. */
const LEAST_ROWS = 49;
const ENOUGH_WORKGROUPS = 16;

/** How the four lanes of a workgroup come by words. */
const SUBGROUP = 'software/words/subgroup';
const PLAIN = 'software/words/plain';

/** Words of 4 channels that an output sums over. */
function wordsOf(linear: LinearLayer): number {
  const [kh, kw] = linear.layer.kernel;
  return kh * kw * linear.input.groups;
}

function quadsOf(words: number, most: number): number {
  const quads = Math.ceil(words / 4);
  return quads > most / 2 ? most : quads;
}

function admits(linear: LinearLayer): true | string {
  if (linear.layer.groups !== 1) return 'it has groups';
  const exact = hasExactSums(linear);
  if (exact !== true) return exact;
  return startingSums(linear) !== undefined || 'sums of a channel can reach 2^24, which f32 does not hold exactly';
}

function lower(linear: LinearLayer, mostRows: number, sharing: string): LoweredLinear {
  const window = linear.kind === 'conv';
  const words = wordsOf(linear);
  const quads = quadsOf(words, window || sharing === PLAIN ? MOST_QUADS_OF_LONG_LOADS : MOST_QUADS);
  const chunks = Math.ceil(words / (4 * quads));
  const carried = chunks > 1;
  const pixels = outputPixels(linear);
  // of few words, the requantization is most of the text: two groups of outputs share what is loaded
  const groups = quads === 1 && !window && linear.output.groups % 8 === 0 ? 2 : 1;
  const columns = Math.ceil(linear.output.groups / 4 / groups);
  const most = carried ? Math.min(mostRows, MOST_SUMS) : mostRows;
  const longest = Math.min(most, Math.max(LEAST_ROWS, Math.ceil((pixels * columns) / ENOUGH_WORKGROUPS)));
  // all about as long
  const rows = Math.ceil(pixels / Math.ceil(pixels / longest));
  const geometry = { ...layerWindow(linear), rows, input_flip: inputFlip(linear), padding: paddingWord(linear) };
  const slots = {
    ...dynamicSlots(linear),
    words: sharing,
    source: window ? 'software/input/window' : 'software/input/pixel',
  };
  return {
    operands: [packLaneWeights(linear, words, 4 * quads), laneCorrections(linear, startingSums(linear)!)],
    ...(carried
      ? useKernel('lanes_chunked', { geometry: { ...geometry, chunks }, counts: { QUADS: quads }, slots })
      : useKernel('lanes', { geometry, counts: { QUADS: quads, GROUPS: groups }, slots })),
    workgroups: [columns, Math.ceil(pixels / rows), 1],
  };
}

/** Pixels of a workgroup, at most. */
const ROWS = [196, 98, 49, 28];

/**
 * Weight-stationary, f32 lanes along the outputs; words of the input are shared by the four lanes of a
 * subgroup. For adapters that compute on the processor's cores.
 */
export const lanes: LinearKernel = {
  name: 'lanes',
  kinds: ['pointwise', 'conv', 'gemm'],
  software: true,
  dynamic: true,
  tiles: ROWS,
  admits(linear, { subgroups }: Features) {
    if (subgroups?.min !== 4 || subgroups.max !== 4) return 'the device has no subgroups of four lanes';
    return admits(linear);
  },
  lower: (linear, _target, rows) => lower(linear, rows, SUBGROUP),
};

/** The same without subgroups: every lane loads every word. */
export const lanesPlain: LinearKernel = {
  name: 'lanes_plain',
  kinds: ['pointwise', 'conv', 'gemm'],
  software: true,
  dynamic: true,
  tiles: ROWS,
  admits,
  lower: (linear, _target, rows) => lower(linear, rows, PLAIN),
};
