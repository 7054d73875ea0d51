import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explain } from './explain.ts';
import { matchRecorded, recordedQuantizations } from '../compare/match_trace.ts';
import { openNpz } from '../numpy/npz.ts';
import { ENGINES, findEngine } from '../../src/engines/index.ts';
import { readModel } from '../../src/formats/index.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { chosen } from '../../tests/helpers/long.ts';

const SHARED = '../shared';

/** What somebody computed, under the engine of the reference that they compare with: the causes of each layer that differs. */
function causesOf(file: string, model: string, trace: string, engineName: string) {
  const graph = readModel(readFileSync(`${SHARED}/models/${model}`));
  const engine = findEngine(engineName);
  const { tensors, inputs } = createPlan(graph, { engine: engineName }).graph;
  const infos = [...tensors.values()];
  const open = (path: string) => openNpz(readFileSync(`${SHARED}/goldens/${path}`));
  const reference = matchRecorded(open(trace), infos, trace).tensors;
  const npz = open(`explain/${file}`);
  const theirs = matchRecorded(npz, infos, file, undefined, { about: (name) => reference.get(name) });
  const shapes = Object.fromEntries(inputs.map(({ name, shape }) => [name, shape]));
  const { layers } = explain({
    ...{ graph, shapes, reference, engines: [engine], theirEngines: ENGINES },
    theirs: theirs.tensors,
    unclamped: theirs.unclamped,
    theirQuantization: recordedQuantizations(npz, infos),
  });
  return [...layers].map(({ explanation, theirs, reproduced }) => ({
    layer: explanation.name,
    causes: explanation.causes.map(({ kind, side }) => `${side}: ${kind}`),
    certain: explanation.certain,
    reproduced: [...theirs].every((value, i) => reproduced!(i) === value),
  }));
}

type Against = readonly [model: string, trace: string, engine: string];
const [QNNPACK, FBGEMM, FULL]: readonly [Against, Against, Against] = [
  ['torchvision_mobilenet_v2_qnnpack.pth', 'pytorch_qnnpack_trace_cat_720p.npz', 'qnnpack'],
  ['torchvision_mobilenet_v2_qnnpack.pth', 'pytorch_fbgemm_avx2_trace_cat_720p.npz', 'fbgemm-avx2'],
  [
    'torchvision_mobilenet_v2_fbgemm_full_range.pth',
    'pytorch_fbgemm_avx2_full_range_trace_cat_720p.npz',
    'fbgemm-avx2',
  ],
];
const [FIRST, DEPTHWISE] = ['features.0.0', 'features.1.conv.0.0'];
const [OWN_INPUT, BIAS, CLAMP, PAIRS] = [
  'theirs: input-quantization',
  'theirs: bias',
  'theirs: clamp',
  'reference: saturating-pairs',
];

describe.skipIf(!existsSync(SHARED))('implementations as people have them (needs ../shared)', () => {
  it.each(
    chosen<readonly [file: string, against: Against, layers: Readonly<Record<string, readonly string[]>>]>(
      [
        ['hardware_truncating_depthwise.npz', QNNPACK, { [DEPTHWISE]: ['theirs: scale', 'theirs: rounding'] }],
        ['asker_unclamped_float64.npz', FBGEMM, { [FIRST]: [OWN_INPUT, PAIRS, CLAMP] }],
      ],
      [
        ['asker_unclamped_float64.npz', QNNPACK, { [FIRST]: [OWN_INPUT, BIAS, CLAMP] }],
        ['asker_with_own_quant.npz', QNNPACK, { quant: [OWN_INPUT], [FIRST]: [OWN_INPUT, BIAS] }],
        ['asker_with_own_quant.npz', FBGEMM, { quant: [OWN_INPUT], [FIRST]: [OWN_INPUT, PAIRS] }],
        // made with vectors of qnnpack, from what qnnpack computes
        ['hardware_truncating_depthwise.npz', FBGEMM, { [DEPTHWISE]: ['theirs: scale', 'theirs: rounding'] }],
        // from the reference's own inputs, the second layer is right
        ['per_layer_from_golden_fbgemm_avx2.npz', FULL, { [FIRST]: [PAIRS] }],
      ],
    ),
  )(
    '%s against %s',
    (file, [model, trace, engine], layers) => {
      expect(causesOf(file, model, trace, engine)).toEqual(
        Object.entries(layers).map(([layer, causes]) => ({ layer, causes, certain: true, reproduced: true })),
      );
    },
    120_000,
  );
});
