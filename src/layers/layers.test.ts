import { describe, expect, it } from 'vitest';
import { generateBlock } from '../../harness/cases/blocks.ts';
import { generateCase } from '../../harness/cases/generate.ts';
import { smallLayer } from '../../tests/helpers/small_layers.ts';
import { evaluateLayer } from '../../tests/helpers/evaluate_layer.ts';
import type { ElementData, Graph } from '../graph/graph.ts';
import { createPlan } from '../plan/plan.ts';
import { referenceTrace } from '../plan/reference.ts';
import type { Tensor } from '../tensor.ts';
import { layersOf } from './infer.ts';
import type { Layer, LayerKind, Requantizing } from './layer.ts';

const ENGINES = [
  ['onnxruntime', 180],
  ['onnxruntime-x64', 20],
  ['qnnpack', 20],
  ['fbgemm-avx2', 40],
] as const;

interface Run {
  readonly layers: readonly Layer[];
  readonly values: ReadonlyMap<string, ElementData>;
}

function run({ graph, feeds }: { graph: Graph; feeds: Readonly<Record<string, Tensor>> }): Run {
  const plan = createPlan(graph);
  const { tensors } = referenceTrace(plan, feeds);
  return { layers: layersOf(plan.graph, plan.engine), values: new Map(tensors.map(({ name, data }) => [name, data])) };
}

/** The first element that a layer's own values make another than the engine's reference: by the layer's name. */
function faultOf(layer: Layer, { values }: Run): string | undefined {
  const name = `${layer.kind} layer '${layer.node}' (${layer.op})`;
  try {
    const made = evaluateLayer(
      layer,
      layer.reads.map((info) => values.get(info.name) as Uint8Array),
    );
    const expected = values.get(layer.writes.name)!;
    const index = Array.from(expected as Uint8Array).findIndex((value, i) => !Object.is(value, made[i]));
    return index < 0 ? undefined : `${name}: element ${index} is ${made[index]}, not ${expected[index]}`;
  } catch (error) {
    return `${name}: ${(error as Error).message}`;
  }
}

const runs = ENGINES.flatMap(([engine, cases]) => [
  ...Array.from({ length: cases }, (_, index) => run(generateCase(engine, 20, index))),
  // those that take turns in one place
  ...Array.from({ length: 3 }, (_, turn) => run(generateCase(engine, 20, 20 * (turn + 9) + 19))),
  ...Array.from({ length: 4 }, (_, index) => run(generateBlock(engine, 20, index))),
]);

describe('a layer says all that has to be computed', () => {
  it('its own values make what the engine makes', () => {
    const faults = runs.flatMap((one) => one.layers.flatMap((layer) => faultOf(layer, one) ?? []));
    expect(faults).toEqual([]);
  });
  it('of every kind', () => {
    const kinds = new Set<LayerKind>(runs.flatMap(({ layers }) => layers.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual([
      ...['add_float32', 'average_pool', 'concat', 'conv', 'depthwise', 'gemm', 'global_average_pool', 'grouped'],
      ...['max_pool', 'move', 'pair', 'pointwise', 'quantize', 'scale', 'softmax', 'table', 'view'],
    ]);
  });
});

describe('a fault in a layer is found, and named', () => {
  const linear = run(smallLayer({ channels: [5, 6], stride: 1 }, 1));
  const layer = linear.layers[0] as Requantizing<'conv'>;
  const pairs = runs.find(({ layers }) => layers[0]!.kind === 'pair')!;
  const pair = pairs.layers[0] as Layer<'pair'>;
  it.each([
    ['functions of another layer', linear, { ...layer, functions: { ...layer.functions, at: () => () => 3 } }],
    [
      'another zero point',
      linear,
      { ...layer, layer: { ...layer.layer, input: { ...layer.layer.input, zeroPoint: 77 } } },
    ],
    ['other weights', linear, { ...layer, weights: Array.from(layer.weights, (w) => -w) }],
    ['a range that is too narrow', linear, { ...layer, range: { ...layer.range, hi: layer.range.lo } }],
    ['operands that are swapped', pairs, { ...pair, codes: (a: number, b: number) => pair.codes(b, a) }],
  ])('%s', (_, one, faulty) => {
    expect(faultOf(faulty, one)).toContain(`layer '${faulty.node}' (${faulty.op})`);
  });
});
