import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareRecordedOnHost, recordedCases } from '../../harness/cases/recorded_cases.ts';
import { openNpz } from '../../harness/numpy/npz.ts';
import { OnnxNetwork } from '../../tests/helpers/onnx_network.ts';
import { readModel } from '../formats/index.ts';
import { createPlan } from '../plan/plan.ts';
import { referenceTrace } from '../plan/reference.ts';
import { Tensor } from '../tensor.ts';
import { findEngine } from './index.ts';

const RECORDED = '../shared/goldens/operators/onnxruntime_arm64.npz';

describe.skipIf(!existsSync(RECORDED))('operators recorded from onnxruntime on ARM processors, in ../shared', () => {
  it.each([
    ['onnxruntime-arm64', 'y'],
    ['onnxruntime-arm64-nodot', 'y_cortex_a72'],
  ])('%s computes %s', async (name, output) => {
    const cases = recordedCases(openNpz(readFileSync(RECORDED)), name, output);
    expect(cases).toHaveLength(559);
    expect(await compareRecordedOnHost(cases, findEngine(name))).toEqual({ mismatches: 0, refused: 0 });
  });
});

/** Pairs further apart are not tried. */
const REACH = 16;

/** What pairs of weights of -128 lose where the input is at its least: of all pairs of products of one output. */
function lost(
  engine: string,
  layer: { type: 'uint8' | 'int8'; shape: [number, number]; kernel: [number, number]; groups?: number },
): string {
  const {
    type,
    shape: [outputs, inputs],
    kernel,
    groups = 1,
  } = layer;
  const taps = kernel[0] * kernel[1];
  const products = inputs * taps;
  const pairs = Array.from({ length: products }, (_, k) => k).flatMap((k) =>
    Array.from({ length: Math.min(REACH, products - k - 1) }, (_, i) => [k, k + 1 + i] as const),
  );
  const found: string[] = [];
  const [least, zero, bytes] = type === 'uint8' ? ([0, 200, Uint8Array] as const) : ([-128, 72, Int8Array] as const);
  for (let first = 0; first < pairs.length; first += outputs) {
    const weights = new Int8Array(outputs * products);
    const some = pairs.slice(first, first + outputs);
    for (const [o, pair] of some.entries())
      for (const k of pair) weights[o * products + (k % inputs) * taps + Math.floor(k / inputs)] = -128;
    const network = new OnnxNetwork();
    const dims = [1, inputs * groups, ...kernel];
    const x = network.input(new Tensor(type, new bytes(inputs * groups * taps).fill(least) as never, dims));
    const w = network.constant(weights, [outputs, inputs, ...kernel]);
    const operands = [...network.parameters(1, least, type), w, ...network.parameters(1, 0, 'int8')];
    network.output(
      network.op('QLinearConv', [x, ...operands, ...network.parameters(65536 / 50, zero, type)], { group: groups }),
      type,
    );
    const plan = createPlan(readModel(network.bytes()), { engine });
    const y = Object.values(referenceTrace(plan, network.feeds).outputs)[0]!.data;
    for (const [o, [a, b]] of some.entries())
      if (Number(y[o]) === zero - 50) found.push(`${a}+${b}`);
      else expect(Number(y[o])).toBe(zero);
  }
  return found.join(' ');
}

const NODOT = 'onnxruntime-arm64-nodot';
const DOT = 'onnxruntime-arm64';

describe('pairs of -128', () => {
  // each as onnxruntime 1.32 loses them on emulated processors (neoverse-n1, cortex-a72)
  it.each([
    ['depthwise 3x3, 16 channels', { type: 'uint8', shape: [16, 1], kernel: [3, 3], groups: 16 }, '0+2 1+3 4+6 5+7'],
    ['depthwise 1x9, 32 channels', { type: 'int8', shape: [32, 1], kernel: [1, 9], groups: 32 }, '0+2 1+3 4+6 5+7'],
    ['depthwise 3x3, 24 channels', { type: 'int8', shape: [24, 1], kernel: [3, 3], groups: 24 }, '0+1 2+3 4+5 6+7'],
    ['depthwise 2x3, 16 channels', { type: 'uint8', shape: [16, 1], kernel: [2, 3], groups: 16 }, '0+1 2+3 4+5'],
    ['depthwise 3x3, 12 channels', { type: 'int8', shape: [12, 1], kernel: [3, 3], groups: 12 }, ''],
  ] as const)('%s', (_, layer, expected) => {
    for (const engine of [DOT, NODOT]) expect(lost(engine, layer as never)).toBe(expected);
  });

  it.each([
    ['1x1, uint8', { type: 'uint8', shape: [9, 19], kernel: [1, 1] }, '0+8 1+9 2+10 3+11 4+12 5+13 6+14 7+15'],
    ['1x1, int8', { type: 'int8', shape: [9, 19], kernel: [1, 1] }, ''],
    ['across taps, uint8', { type: 'uint8', shape: [9, 3], kernel: [1, 4] }, '0+8 1+9 2+10 3+11'],
    ['grouped, uint8', { type: 'uint8', shape: [9, 10], kernel: [1, 1], groups: 3 }, '0+8 1+9'],
  ] as const)('without the dot product: %s', (_, layer, expected) => {
    expect(lost(NODOT, layer as never)).toBe(expected);
    expect(lost(DOT, layer as never)).toBe('');
  });

  it('without the dot product, int8 by int8 of 64 channels and more: within a tap, whose last eight channels are alone', () => {
    const layer = { type: 'int8', shape: [2560, 72], kernel: [1, 2] } as const;
    const inTap = (tap: number) =>
      [0, 16, 32, 48].flatMap((b) =>
        Array.from({ length: 8 }, (_, i) => `${72 * tap + b + i}+${72 * tap + b + i + 8}`),
      );
    expect(lost(NODOT, layer as never)).toBe([...inTap(0), ...inTap(1)].join(' '));
    // of these four conditions one fails
    for (const other of [{ shape: [2570, 72] }, { shape: [2560, 56] }, { shape: [2560, 68] }, { kernel: [1, 1] }])
      expect(lost(NODOT, { ...layer, ...other } as never)).toBe('');
  });
});

describe('QLinearAdd', () => {
  const q = (scale: number, zeroPoint: number) => ({ type: 'uint8', scale: Math.fround(scale), zeroPoint }) as const;
  const sum = (engine: string, [sa, sb]: readonly number[], [a, b]: readonly number[], swapped = false): number =>
    findEngine(engine)
      .add({ a: q(sa!, 128), b: q(sb!, 131), output: q(1, 117), relu: false, swapped })
      .body(a!, b!);

  // by onnxruntime 1.32 on an emulated neoverse-n1; the web build gives the last number
  it.each([
    ['in integers', [1 - 2 ** -22, 0.5], [88, 234], 129, 128],
    ['in integers from a ratio of 2^-14 on', [2 ** -14, 0.5], [128, 0], 51, 52],
    ['in float32 where a multiplier is rounded up to 2^22', [1 - 2 ** -23, 0.5], [81, 0], 5, 4],
    ['likewise, of the next float32', [1 - 2 ** -24, 0.5], [33, 216], 64, 65],
  ])('%s', (_, scales, pair, expected, web) => {
    expect(sum(DOT, scales, pair)).toBe(expected);
    expect(sum('onnxruntime', scales, pair)).toBe(web);
  });

  it('is contracted with the product of the second where the first is one value', () => {
    expect(sum(DOT, [300, 211.3], [47, 246])).toBe(116);
    expect(sum(DOT, [300, 211.3], [47, 246], true)).toBe(117);
  });
});

it('QLinearMul is contracted', () => {
  const q = (scale: number, zeroPoint: number) => ({ type: 'uint8', scale: Math.fround(scale), zeroPoint }) as const;
  const product = (engine: string) =>
    findEngine(engine).multiply!({ a: q(0.3, 128), b: q(0.7, 131), output: q(2, 117) });
  // the first by onnxruntime 1.32 on an emulated neoverse-n1
  expect(product(DOT)(28, 138)).toBe(43);
  expect(product('onnxruntime-x64')(28, 138)).toBe(44);
});
