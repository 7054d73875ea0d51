import { describe, expect, it } from 'vitest';
import { generateCase } from '../../../harness/cases/generate.ts';
import { evaluateLayer } from '../../../tests/helpers/evaluate_layer.ts';
import { PAIRING_COUNT, pairingEngine, withLeast } from '../../../tests/helpers/pairing_engines.ts';
import type { Accumulation, Engine, Pairs } from '../../engines/engine.ts';
import { findEngine } from '../../engines/index.ts';
import { saturatingNeighbours } from '../../engines/pairs.ts';
import type { Graph } from '../../graph/graph.ts';
import { createPlan } from '../../plan/plan.ts';
import { referenceTrace } from '../../plan/reference.ts';
import { stagesOf } from '../../plan/stages.ts';
import { Tensor } from '../../tensor.ts';
import { isLinear } from '../layer.ts';

const CASES = 240;

/** A fully connected layer of one output. */
function layerOf(
  weights: readonly number[],
  accumulation: (layer: never) => Accumulation,
  type: 'uint8' | 'int8' = 'uint8',
) {
  const whole = (zero: number) => ({ scale: Float32Array.of(1), zeroPoint: Int32Array.of(zero) });
  const graph: Graph = {
    name: 'g',
    format: 'onnx',
    engine: 'onnxruntime',
    nodes: [{ name: 'n', op: 'Gemm', inputs: ['x', 'w'], outputs: ['y'], attributes: { transB: 1 } }],
    inputs: [{ name: 'x', type, shape: [1, weights.length], quantization: whole(type === 'uint8' ? 100 : -28) }],
    outputs: ['y'],
    constants: new Map([
      [
        'w',
        { name: 'w', type: 'int8', shape: [1, weights.length], data: Int8Array.from(weights), quantization: whole(0) },
      ],
    ]),
    tensors: new Map([['y', { name: 'y', type, quantization: whole(0) }]]),
  };
  const engine: Engine = { ...findEngine('onnxruntime'), name: 'own', accumulation };
  const [layer] = stagesOf(graph, { engine }).layers;
  if (!layer || !isLinear(layer)) throw new Error('no layer with weights');
  return { layer, graph, engine };
}

const wrapping = (layer: never): Pairs => ({ ...saturatingNeighbours(layer), overflow: 'wraps' });
const rounding = (layer: never): Pairs => ({ ...saturatingNeighbours(layer), rounds: true });

describe('sums are exact where no input makes a difference', () => {
  it.each([
    ['saturating', saturatingNeighbours, [64, 64, -64, -64], 0],
    ['saturating', saturatingNeighbours, [64, 65, -64, -64], 1],
    ['saturating', saturatingNeighbours, [64, 64, -64, -65], 1],
    ['saturating', saturatingNeighbours, [64, -128, 127, 1], 0],
    // an odd last one alone
    ['saturating', saturatingNeighbours, [1, -127, -128], 0],
    ['wrapping', wrapping, [-128, -128], 1],
    ['wrapping', wrapping, [-127, -128, -128, -127], 0],
    ['wrapping', wrapping, [127, 127], 0],
    // 255 * 65,793 is the first sum of a channel of 2^24 and more
    ['rounding', rounding, [...Array<number>(1028).fill(64), 1], 0],
    ['rounding', rounding, [...Array<number>(1028).fill(64), 2], 0],
  ] as const)('%s, %#', (_, accumulation, weights, channels) => {
    const { layer } = layerOf(weights, accumulation);
    expect(layer.overflowingChannels).toBe(channels);
    const isSeen = channels > 0 || weights.reduce<number>((sum, w) => sum + w, 0) * 255 > 2 ** 24;
    expect(layer.accumulation !== 'exact').toBe(isSeen);
  });

  it.each(['uint8', 'int8'] as const)(
    'a wrapped pair of %s lies below the exact ones, and within the range',
    (type) => {
      const { layer, graph, engine } = layerOf([-128, -128], wrapping, type);
      const least = new Tensor(
        type,
        (type === 'uint8' ? new Uint8Array(2) : new Int8Array(2).fill(-128)) as never,
        [1, 2],
      );
      const [sum] = referenceTrace(createPlan(graph, { engine }), { x: least }).tensors.at(-1)!.accumulators!;
      // x - zx is -100: 2 * -100 * -128 less 2^16
      expect(sum).toBe(25_600 - 65_536);
      expect(layer.range.lo[0]).toBe(sum);
    },
  );

  it('pairs without a slot for each product are refused, by what was got', () => {
    const lost = (layer: never): Pairs => ({ ...saturatingNeighbours(layer), slots: Int32Array.of(0, 1, 1, 2) });
    expect(() => layerOf([1, 2, 3, 4], lost)).toThrow(
      /engine 'own' accumulates by an Object; supported: 'exact', and pairs/,
    );
    const former = () => 'saturating-pairs' as never;
    expect(() => layerOf([1, 2], former)).toThrow(/engine 'own' accumulates by 'saturating-pairs'; supported/);
  });
});

it(`the host's sums are those of the definition: ${CASES} cases, of pairs in every order`, () => {
  const seen = new Set<number>();
  for (let index = 0; index < CASES; index++) {
    const random = generateCase('onnxruntime', 31, index);
    const { graph, feeds, id } = index % 4 < 2 ? withLeast(random) : random;
    const engine = pairingEngine(findEngine('onnxruntime'), index);
    const { layers } = stagesOf(graph, { engine });
    const [layer] = layers;
    if (!layer || !isLinear(layer) || layer.accumulation === 'exact') continue;
    const plan = createPlan(graph, { engine });
    const { data, accumulators } = referenceTrace(plan, feeds).tensors.at(-1)!;
    expect(evaluateLayer(layer, [feeds['x']!.data as Uint8Array]), id).toEqual(data);
    const exact = createPlan(graph, { engine: { ...engine, accumulation: () => 'exact' } });
    const other = referenceTrace(exact, feeds).tensors.at(-1)!.accumulators!;
    const differs = accumulators!.some((sum, i) => sum !== other[i]);
    if (differs) seen.add(index % PAIRING_COUNT);
  }
  expect([...seen].sort()).toEqual(Array.from({ length: PAIRING_COUNT }, (_, i) => i));
});
