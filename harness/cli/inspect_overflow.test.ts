import { describe, expect, it } from 'vitest';
import { createPlan } from '../../src/plan/plan.ts';
import { smallLayer } from '../../tests/helpers/small_layers.ts';
import { describeOverflows, overflowsOf } from './inspect_overflow.ts';

/** A depthwise layer of eight channels whose weights are all the same. */
function overflows(weight: number) {
  const { graph } = smallLayer({ channels: [8, 8], stride: 1, depthwise: true }, 3);
  const w = graph.constants.get('w')!;
  const constants = new Map([...graph.constants, ['w', { ...w, data: new Int8Array(72).fill(weight) }] as const]);
  const own = { ...graph, constants };
  return overflowsOf({ graph: own, plan: createPlan(own) });
}
const ofEngine = (found: ReturnType<typeof overflows>, name: string) =>
  found.find(({ engine }) => engine === name)!.layers;

describe('where sums overflow, by engine', () => {
  it('pairs that saturate, and pairs of -128 that wrap', () => {
    const least = overflows(-128);
    expect(ofEngine(least, 'fbgemm')).toEqual([{ node: 'n', overflow: 'saturates', channels: 8, of: 8 }]);
    expect(ofEngine(least, 'onnxruntime-arm64')).toEqual([{ node: 'n', overflow: 'wraps', channels: 8, of: 8 }]);
    expect(ofEngine(least, 'onnxruntime')).toEqual([]);
    const text = describeOverflows(least);
    expect(text).toMatch(/^layer +channels .*fbgemm, fbgemm-avx2, x86-avx2.*/m);
    expect(text).toMatch(/^n +8 .*8 saturate.*/m);
    expect(text).toMatch(/^n +8 .*8 wrap.*/m);
    expect(text).toMatch(/^none under onnxruntime,/m);
  });
  it('nothing where weights are too small for it', () => {
    expect(ofEngine(overflows(-127), 'onnxruntime-arm64')).toEqual([]);
    expect(describeOverflows(overflows(64))).toMatch(/^output channels .*leave int16: none under onnxruntime, [^\n]*$/);
  });
});
