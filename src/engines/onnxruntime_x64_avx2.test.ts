import { describe, expect, it } from 'vitest';
import { OnnxNetwork } from '../../tests/helpers/onnx_network.ts';
import { readModel } from '../formats/index.ts';
import { createPlan } from '../plan/plan.ts';
import { referenceTrace } from '../plan/reference.ts';
import { Tensor } from '../tensor.ts';

/** A QLinearConv of 2 by 1 pixels, all scales 1 but the output's, no zero points: what each output channel gives. */
function convolved(engine: string, weights: readonly number[], type: 'uint8' | 'int8', groups: number): number[] {
  const network = new OnnxNetwork();
  const channels = groups === 1 ? 1 : 2;
  const x = network.input(new Tensor('uint8', new Uint8Array(channels * 2).fill(255), [1, channels, 2, 1]));
  const data = type === 'uint8' ? Uint8Array.from(weights) : Int8Array.from(weights);
  const w = network.constant(data, [channels, channels / groups, 2, 1]);
  const [a, b, y] = [
    network.parameters(1, 0, 'uint8'),
    network.parameters(1, 0, type),
    network.parameters(1000, 0, 'uint8'),
  ];
  network.output(network.op('QLinearConv', [x, ...a, w, ...b, ...y], { group: groups }), 'uint8');
  const plan = createPlan(readModel(network.bytes()), { engine });
  return [...Object.values(referenceTrace(plan, network.feeds).outputs)[0]!.data].map(Number);
}

describe('onnxruntime-x64-avx2', () => {
  // 255 * 127 * 2 = 64,770, of which 32,767 is left
  it('saturates pairs of products of uint8 and int8', () => {
    expect(convolved('onnxruntime-x64', [127, 127], 'int8', 1)).toEqual([65]);
    expect(convolved('onnxruntime-x64-avx2', [127, 127], 'int8', 1)).toEqual([33]);
  });
  it('is exact where the weights are uint8', () => {
    expect(convolved('onnxruntime-x64-avx2', [127, 127], 'uint8', 1)).toEqual([65]);
  });
  it('is exact in depthwise convolutions', () => {
    expect(convolved('onnxruntime-x64-avx2', [127, 127, 127, 100], 'int8', 2)).toEqual([65, 58]);
  });
});
