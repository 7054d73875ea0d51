import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareRecordedOnHost, recordedCases } from '../../harness/cases/recorded_cases.ts';
import { openNpz } from '../../harness/numpy/npz.ts';
import { referenceTrace } from '../plan/reference.ts';
import { findEngine } from './index.ts';
import { isFirstOneValue } from './exchange.ts';
import { onnxruntimeX64 } from './onnxruntime_x64.ts';
import { readModel } from '../formats/index.ts';
import { createPlan } from '../plan/plan.ts';
import { Tensor } from '../tensor.ts';
import { OnnxNetwork } from '../../tests/helpers/onnx_network.ts';

const RECORDED = '../shared/goldens/operators/onnxruntime_x64_add.npz';

describe.skipIf(!existsSync(RECORDED))("adds recorded from onnxruntime's Python wheel on x86-64, in ../shared", () => {
  const compare = (name: string) =>
    compareRecordedOnHost(recordedCases(openNpz(readFileSync(RECORDED)), name), findEngine(name));
  it('equal onnxruntime-x64 in every element', async () =>
    expect(await compare('onnxruntime-x64')).toEqual({ mismatches: 0, refused: 0 }));
  it('are told apart from the web build, which gives some of them otherwise', async () =>
    expect((await compare('onnxruntime')).mismatches).toBeGreaterThan(0));
});

describe('onnxruntime-x64', () => {
  // by Python's onnxruntime 1.32
  it.each([
    [1, 6, 1, [1]],
    [1, 6, 2, [0, 0]],
    [3, 160, 1, [133]],
    [3, 160, 2, [132, 132]],
  ])('adds %i and a constant %i behind it, %i times', (value, constant, times, expected) => {
    const network = new OnnxNetwork();
    const x = network.input(new Tensor('uint8', new Uint8Array(times).fill(value), [1, times]));
    const second = network.constant(Uint8Array.of(constant), [1]);
    const [a, b, y] = [
      network.parameters(0.011, 3, 'uint8'),
      network.parameters(0.017, 10, 'uint8'),
      network.parameters(0.02, 5, 'uint8'),
    ];
    network.output(network.op('QLinearAdd', [x, ...a, second, ...b, ...y], {}, 'com.microsoft'), 'uint8');
    const plan = createPlan(readModel(network.bytes()), { engine: onnxruntimeX64 });
    expect([...Object.values(referenceTrace(plan, network.feeds).outputs)[0]!.data]).toEqual(expected);
  });

  it.each([
    [[], [], true],
    [[1], [200], true],
    [[200], [1], false],
    [[1, 2, 1, 1], [], true],
    [[1, 2, 1, 1], [1], true],
    [[1, 2, 1, 1], [1, 1, 1, 1], false],
    [[2, 1], [1, 3], true],
    [[2, 1], [1, 1], false],
  ])('takes the first of %j and %j for one value: %s', (a, b, expected) => {
    expect(isFirstOneValue(a, b)).toBe(expected);
  });

  it('gives the least value where a sum or a product is no int32', () => {
    const of = (scale: number) => ({ type: 'uint8', scale, zeroPoint: 0 }) as const;
    const { body } = onnxruntimeX64.add({ a: of(1e6), b: of(1e6), output: of(0.01), relu: false });
    expect([body(1, 1), body(255, 255)]).toEqual([255, 0]);
    const product = onnxruntimeX64.multiply!({ a: of(1e3), b: of(1e3), output: of(0.01) });
    expect([product(1, 1), product(255, 255)]).toEqual([255, 0]);
  });
});
