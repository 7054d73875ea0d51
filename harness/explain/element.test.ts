import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateCase } from '../cases/generate.ts';
import { Random } from '../../models/random.ts';
import { elementText } from '../cli/element_address.ts';
import { matchRecorded } from '../compare/match_trace.ts';
import { elementAt, parseElementAddress } from './at.ts';
import { bindEngine } from './bound_engine.ts';
import { analyzeElement, type ElementAnalysis, type ElementQuestion } from './element.ts';
import { exactly, exactOf, fixedPoint, requantizeFixed, round, rounded } from './element/exact.ts';
import { openNpz } from '../numpy/npz.ts';
import { UnsupportedModelError } from '../../src/errors.ts';
import { readModel } from '../../src/formats/index.ts';
import type { Constant, ElementData, Graph, Quantization, TensorInfo } from '../../src/graph/graph.ts';
import { inferGraph } from '../../src/layers/infer.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { findEngine, ENGINES } from '../../src/engines/index.ts';
import { Tensor } from '../../src/tensor.ts';
import { quint8, shared, sharedAvailable } from '../../tests/helpers/recorded_cases.ts';
import { rewrite } from '../../src/rewrite/index.ts';

/** [numerator, denominator] of a float32, from its bits. */
function ofBits(value: number): [bigint, bigint] {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  const exponent = (bits >>> 23) & 255;
  const mantissa = BigInt((bits & 0x7fffff) | (exponent === 0 ? 0 : 0x800000)) * (bits >>> 31 ? -1n : 1n);
  const power = Math.max(exponent, 1) - 150;
  return power < 0 ? [mantissa, 1n << BigInt(-power)] : [mantissa << BigInt(power), 1n];
}

const parse = (fraction: string): [bigint, bigint] => {
  const [numerator, denominator = '1'] = fraction.split('/') as [string, string?];
  return [BigInt(numerator), BigInt(denominator)];
};

const sameFraction = ([a, b]: [bigint, bigint], [c, d]: [bigint, bigint]): boolean => a * d === c * b;

/** The coordinates of an NCHW index. */
function coordinates(flat: number, shape: readonly number[]): number[] {
  return shape.map((size, d) => Math.floor(flat / shape.slice(d + 1).reduce((a, b) => a * b, 1)) % size);
}

const quantized = (scale: number, zeroPoint: number): Quantization => ({
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(zeroPoint),
});

interface Small {
  readonly input?: readonly number[];
  readonly weights: readonly number[];
  readonly bias?: readonly number[];
  readonly scales?: readonly [sx: number, sw: number, sy: number];
  readonly zeroPoints?: readonly [zx: number, zy: number];
  readonly channels?: number;
  readonly pad?: number;
  readonly engine?: string;
}

/** A convolution of one row of `channels` channels, 1 by 1 (or 1 by 3 where it is padded). */
function small({
  input = [],
  weights,
  bias,
  scales = [1, 1, 1],
  zeroPoints = [0, 0],
  channels = 1,
  pad = 0,
  engine = 'fbgemm-avx2',
}: Small): { graph: Graph; operands: Map<string, ElementData>; engine: string } {
  const [sx, sw, sy] = scales;
  const width = pad > 0 ? 3 : 1;
  const x: TensorInfo = {
    name: 'x',
    type: 'uint8',
    shape: [1, channels, 1, input.length / channels],
    quantization: quantized(sx, zeroPoints[0]),
  };
  const w: Constant = {
    name: 'w',
    type: 'int8',
    shape: [1, channels, 1, width],
    quantization: quantized(sw, 0),
    data: Int8Array.from(weights),
  };
  const b: Constant = { name: 'b', type: 'float32', shape: [1], data: Float32Array.from(bias ?? []) };
  const graph: Graph = {
    name: 'small',
    format: 'test',
    engine: engine,
    nodes: [
      {
        name: 'node',
        op: 'Conv',
        inputs: bias ? ['x', 'w', 'b'] : ['x', 'w'],
        outputs: ['y'],
        attributes: { pads: [0, pad, 0, pad] },
      },
    ],
    inputs: [x],
    outputs: ['y'],
    constants: new Map<string, Constant>([['w', w], ...(bias ? [['b', b] as const] : [])]),
    tensors: new Map([['y', { name: 'y', type: 'uint8', quantization: quantized(sy, zeroPoints[1]) }]]),
  };
  return { graph, operands: new Map([['x', Uint8Array.from(input)]]), engine };
}

function analyze(layer: Small, change: Partial<ElementQuestion> = {}): ElementAnalysis {
  const { graph, operands, engine: name } = small(layer);
  const engine = findEngine(name);
  const typed = inferGraph(graph, engine);
  return analyzeElement({ graph: typed, engine, tensor: 'y', index: [0, 0, 0, 0], operands, ...change });
}

describe('exact numbers', () => {
  it('are fractions, and the first digits of their decimals', () => {
    expect(exactOf(exactly(Math.fround(0.1)))).toEqual({ fraction: '13421773/134217728', decimal: '0.100000001490…' });
    expect(exactOf(exactly(-2.75))).toEqual({ fraction: '-11/4', decimal: '-2.75' });
    expect(exactOf(exactly(2 ** -149)).decimal).toBe(`0.${'0'.repeat(44)}140129846432…`);
    const random = new Random(1);
    for (let i = 0; i < 1000; i++) {
      const x = Math.fround((random.unit() - 0.5) * 10 ** random.integer(-30, 30));
      expect(sameFraction(parse(exactOf(exactly(x)).fraction), ofBits(x))).toBe(true);
    }
  });

  it('know how far the next tie is', () => {
    expect(rounded(exactly(2.5))).toMatchObject({ tie: '2.5', distance: { fraction: '0' } });
    expect(rounded(exactly(-0.75))).toMatchObject({ tie: '-0.5', distance: { decimal: '0.25' } });
    expect(rounded(exactly(7))).toMatchObject({ distance: { decimal: '0.5' } });
  });

  it.each([
    ['even', [-2, -2, 0, 0, 2, 2, 1, -3]],
    ['away', [-3, -2, -1, 1, 2, 3, 1, -3]],
    ['up', [-2, -1, 0, 1, 2, 3, 1, -3]],
    ['down', [-3, -2, -1, 0, 1, 2, 1, -3]],
    ['floor', [-3, -2, -1, 0, 1, 2, 0, -3]],
    ['truncate', [-2, -1, 0, 0, 1, 2, 0, -3]],
  ] as const)('are rounded: %s', (rounding, expected) => {
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.75, -3].map((x) => round(exactly(x), rounding) + 0)).toEqual(expected);
  });

  it('become fixed point, and are requantized as the formulas say', () => {
    const random = new Random(2);
    for (let i = 0; i < 2000; i++) {
      const scale = Math.fround(2 ** random.integer(-12, 3) * (1 + random.unit()));
      const { multiplier, shift } = fixedPoint(exactly(scale));
      expect([multiplier >= 2 ** 30, multiplier < 2 ** 31]).toEqual([true, true]);
      expect(multiplier / 2 ** shift).toBe(scale);
      const accumulator = random.integer(-100_000, 100_000);
      const [x, m] = [BigInt(accumulator), BigInt(multiplier)];
      const right = BigInt(shift - 31);
      const single = (x * m + (1n << BigInt(shift - 1))) >> BigInt(shift);
      expect(requantizeFixed(accumulator, { multiplier, shift }, 'single')).toBe(Number(single));
      if (right < 1n) continue;
      const half = (1n << 30n) + (1n << (30n + right));
      const double = (x * m + half - (x < 0n ? 1n << 31n : 0n)) >> (31n + right);
      const up = (x * m + half) >> (31n + right);
      expect(requantizeFixed(accumulator, { multiplier, shift }, 'double')).toBe(Number(double));
      expect(requantizeFixed(accumulator, { multiplier, shift }, 'double-up')).toBe(Number(up));
    }
  });
});

describe('one element', () => {
  it('names a tie, and what each rounding makes of it', () => {
    const analysis = analyze({ input: [5], weights: [1], scales: [0.5, 1, 1] }, { theirs: 3, reference: 2 });
    const [requantized] = analysis.requantized;
    expect(requantized!.exact).toEqual({
      fraction: '5/2',
      decimal: '2.5',
      tie: '2.5',
      distance: { fraction: '0', decimal: '0' },
    });
    const exact = requantized!.results.filter(({ of, zeroPoint }) => of === 'exact' && zeroPoint === 'after');
    expect(Object.fromEntries(exact.map(({ rounding, value }) => [rounding, value]))).toEqual({
      even: 2,
      away: 3,
      up: 3,
      down: 2,
      floor: 2,
      truncate: 2,
    });
    expect(exact.filter(({ gives }) => gives.includes('theirs')).map(({ rounding }) => rounding)).toEqual([
      'away',
      'up',
    ]);
    expect(elementText(analysis)).toMatch(/\n {4}a tie; the zero point is not added yet\n/);
  });

  it('adds the zero point behind a rounding and before it', () => {
    const [requantized] = analyze({ input: [5], weights: [1], scales: [0.5, 1, 1], zeroPoints: [0, 7] }).requantized;
    const even = requantized!.results.filter(({ rounding }) => rounding === 'even');
    expect(even.map(({ of, zeroPoint, value }) => [of, zeroPoint, value])).toEqual([
      ['exact', 'after', 9],
      ['exact', 'before', 10],
      ['float32', 'after', 9],
      ['float32', 'before', 10],
    ]);
  });

  it('takes the formula that the engine has at the end of a block', () => {
    const engine = findEngine('fbgemm');
    const shape = [1, 65, 1, 1];
    const [a, b, output] = [quantized(0.5, 3), quantized(0.5, 7), quantized(1, 5)];
    const info = (name: string, quantization: Quantization): TensorInfo => ({
      name,
      type: 'uint8',
      shape,
      quantization,
    });
    const [layerA, layerB, layerY] = [a, b, output].map(({ scale, zeroPoint }) => quint8(scale[0]!, zeroPoint[0]!));
    const { body, tail } = engine.add({ a: layerA!, b: layerB!, output: layerY!, relu: false });
    const pair = [...Array(65536).keys()].find((i) => body(i >> 8, i & 255) !== tail!(i >> 8, i & 255))!;
    expect(pair).toBeGreaterThan(0);
    const [x, y] = [pair >> 8, pair & 255];
    const graph: Graph = {
      name: 'add',
      format: 'test',
      engine: 'fbgemm',
      nodes: [{ name: 'node', op: 'Add', inputs: ['a', 'b'], outputs: ['y'], attributes: {} }],
      inputs: [info('a', a), info('b', b)],
      outputs: ['y'],
      constants: new Map(),
      tensors: new Map([['y', { name: 'y', type: 'uint8', quantization: output }]]),
    };
    const operands = new Map([
      ['a', new Uint8Array(65).fill(x)],
      ['b', new Uint8Array(65).fill(y)],
    ]);
    const typed = inferGraph(graph, engine);
    const at = (c: number) => analyzeElement({ graph: typed, engine, tensor: 'y', index: [0, c, 0, 0], operands });
    expect([at(63), at(64)].map(({ computed }) => computed)).toEqual([body(x, y), tail!(x, y)]);
    expect(at(0).operands!.map(({ value, zeroPoint }) => [value, zeroPoint])).toEqual([
      [x, 3],
      [y, 7],
    ]);
  });

  it('names the pairs that saturate, the result without saturation, and whose value each is', () => {
    const layer = { input: [255, 255, 255], weights: [127, 127, 1], channels: 3, scales: [0.0625, 0.0625, 1] } as const;
    const analysis = analyze(layer, { theirs: 254, reference: 129 });
    expect(analysis.sum).toMatchObject({
      accumulation: 'saturating-pairs',
      accumulator: 33022,
      exactAccumulator: 65025,
    });
    expect(analysis.sum!.pairs).toEqual([
      { term: 0, exact: 64770, int16: 32767 },
      { term: 2, exact: 255, int16: 255 },
    ]);
    const engine = (name: string) => analysis.engines.find((one) => one.engine === name);
    expect(engine('fbgemm-avx2')).toMatchObject({ value: 129, accumulator: 33022, gives: ['reference'] });
    expect(engine('qnnpack')).toMatchObject({ value: 254, accumulator: 65025, gives: ['theirs'] });
    expect(engine('onnxruntime')).toMatchObject({ value: 254 });
    const text = elementText(analysis);
    expect(text).toMatch(/\n +1 +1 +0 +0 +255 +127 +32385 +64770 +32767 +32767 +saturated by 32003\n/);
    expect(text).toContain('without saturation 65025 (1 of 2 pairs saturate)');
    expect(text).toMatch(/254 \(theirs\): given by .*qnnpack.*without saturation/);
    expect(text).toMatch(/129 \(the reference's\): given by fbgemm-avx2; .*with saturated pairs/);
  });

  it('says for which accumulators the engine gives a value', () => {
    const { reach } = analyze({ input: [40], weights: [2], scales: [0.5, 1, 2] }, { theirs: 255, reference: 20 });
    expect(reach).toEqual([
      // 79.5 and 80.5 quarters are no integers; 508 is the tie 127, and 2 * 255 the most that there is
      { value: 20, of: 'reference', from: 78, to: 82 },
    ]);
    const clamped = analyze({ input: [255], weights: [2], scales: [1, 1, 1] }, { theirs: 254, reference: 255 });
    expect(clamped.reach).toEqual([
      { value: 254, of: 'theirs', from: 254, to: 254 },
      { value: 255, of: 'reference', from: 255, to: null },
    ]);
  });

  it('marks the padding, which holds the zero point', () => {
    const layer = { input: [9, 8, 7, 6], weights: [1, 2, 3], pad: 1, zeroPoints: [5, 0], engine: 'qnnpack' } as const;
    const { sum } = analyze(layer);
    expect(
      sum!.terms.map(({ at, padding, input, product, accumulator }) => [at[2], padding, input, product, accumulator]),
    ).toEqual([
      [-1, true, 5, 0, 0],
      [0, false, 9, 8, 8],
      [1, false, 8, 9, 17],
    ]);
    expect(analyze(layer, { index: [0, 0, 0, 3] }).sum!.terms.at(-1)).toMatchObject({ padding: true, at: [0, 0, 4] });
  });

  it('shows the inputs of the reference where they are others', () => {
    const layer = { input: [9, 8], weights: [3, 4], channels: 2 } as const;
    const analysis = analyze(layer, { referenceOperands: new Map([['x', Uint8Array.of(9, 7)]]) });
    expect(analysis.sum!.terms.map(({ referenceInput }) => referenceInput)).toEqual([undefined, 7]);
    expect(analysis.fromReferenceOperands).toEqual({ differing: 1, accumulator: 55, value: 55 });
    expect(analysis.computed).toBe(59);
    expect(elementText(analysis)).toContain("The reference's own inputs differ in 1 of those shown");
    expect(
      analyze(layer, { referenceOperands: new Map([['x', Uint8Array.of(9, 8)]]) }).fromReferenceOperands,
    ).toBeUndefined();
  });

  it('shortens long sums in text: the ends, what saturates, what is padding', () => {
    const input = Array.from({ length: 200 }, (_, k) => (k === 101 ? 255 : 3));
    const weights = input.map((_, k) => (k === 100 || k === 101 ? 127 : 1));
    input[100] = 255;
    const analysis = analyze({ input, weights, channels: 200 });
    const lines = elementText(analysis).split('\n');
    const shown = lines.flatMap(
      (line) => /^ +(\d+|…) .*?(saturated by \d+|\d+ more|)$/.exec(line)?.slice(1, 3).join(' ').trim() ?? [],
    );
    expect(shown).toEqual([
      '0',
      '1',
      '2',
      '3',
      '… 96 more',
      '100',
      '101 saturated by 32003',
      '… 94 more',
      '196',
      '197',
      '198',
      '199',
    ]);
    expect(analysis.sum!.terms).toHaveLength(200);
  });

  it('says by name why an engine cannot run the layer', () => {
    const { engines } = analyze({ input: [1], weights: [1], bias: [0.5] });
    expect(engines.find(({ engine }) => engine === 'onnxruntime')).toEqual({
      engine: 'onnxruntime',
      unsupported: 'onnxruntime takes an int32 bias, got float32',
      gives: [],
    });
  });

  it('gives a float bias in every form', () => {
    const { bias } = analyze({ input: [1], weights: [1], bias: [2.5], scales: [0.5, 2, 1] });
    expect(bias).toMatchObject({ stored: { type: 'float32', value: 2.5, bits: '0x40200000' }, int32: 2 });
    expect(bias!.accumulatorUnits.decimal).toBe('2.5');
  });

  it('refuses what is no element', () => {
    const layer = { input: [1], weights: [1] };
    expect(() => analyze(layer, { tensor: 'z' })).toThrow(/no layer computes 'z'/);
    expect(() => analyze(layer, { index: [0, 1, 0, 0] })).toThrow(
      /'y' is \[1, 1, 1, 1\] and has no element \[0, 1, 0, 0\]/,
    );
    expect(() => analyze(layer, { index: [0] })).toThrow(/has no element \[0\]/);
    expect(() => analyze(layer, { operands: new Map() })).toThrow(
      /node 'node' \(Conv\): the values of 'x' are not known/,
    );
  });
});

describe('where an element is', () => {
  const typed = inferGraph(small({ input: [1, 2, 3, 4], weights: [1, 2, 3], pad: 1 }).graph, findEngine('qnnpack'));

  it.each(['y,0,0,3', 'y,0,0,0,3', 'node,0,0,3'])('%s', (text) => {
    expect(parseElementAddress(text, typed)).toEqual({ tensor: 'y', index: [0, 0, 0, 3] });
  });

  it.each([
    ['y', /--at y: an element is LAYER,c,y,x/],
    ['y,0,0,4', /'y' is \[1, 1, 1, 4\] \(NCHW\) and has no such element/],
    ['y,3', /has no such element/],
    ['z,0,0,0', /the model has no layer 'z'; nearest are 'y'/],
  ])('refuses %s', (text, message) => {
    expect(() => parseElementAddress(text, typed)).toThrow(message);
  });

  it('is analysed from their operands, with the reference beside them', () => {
    const engine = findEngine('qnnpack');
    const { graph } = small({ input: [1, 2, 3, 4], weights: [1, 2, 3], pad: 1 });
    const bound = bindEngine(graph, engine, {});
    const analysis = elementAt(
      bound,
      { tensor: 'y', index: [0, 0, 0, 1] },
      {
        reference: new Map([['x', Uint8Array.of(1, 2, 3, 4)]]),
        theirs: new Map([
          ['x', Uint8Array.of(1, 2, 5, 4)],
          ['y', Uint8Array.of(9, 9, 9, 9)],
        ]),
        reproduced: (element) => 8 + element,
      },
    );
    expect(analysis).toMatchObject({ theirs: 9, reference: 14, computed: 20, explained: 9 });
    expect(analysis.fromReferenceOperands).toEqual({ differing: 1, accumulator: 14, value: 14 });
    expect(elementText(analysis)).toContain("9 (theirs): given by the layer's causes together");
  });
});

/** (sx * sw * accumulator + bias) / sy, from the bits of each float32. */
function exactValue({ sum, scale, bias }: ElementAnalysis): [bigint, bigint] {
  const [sx, sw, sy] = [scale!.input, scale!.weight!, scale!.output].map(({ value }) => ofBits(value)) as [
    [bigint, bigint],
    [bigint, bigint],
    [bigint, bigint],
  ];
  const unit: [bigint, bigint] = [sx[0] * sw[0], sx[1] * sw[1]];
  const integer = bias?.stored.type === 'int32' ? bias.stored.value : 0;
  const real = bias?.stored.type === 'float32' ? ofBits(bias.stored.value) : ([0n, 1n] as const);
  const product = unit[0] * BigInt(sum!.accumulator + integer);
  return [(product * real[1] + real[0] * unit[1]) * sy[1], unit[1] * real[1] * sy[0]];
}

describe.each(ENGINES.map(({ name }) => name))('%s: random operators', (name) => {
  it('is what the host reference computes, and the exact value is that of the bits', { timeout: 60_000 }, () => {
    const random = new Random(3);
    const seen: Record<string, number> = {};
    for (let index = 0; index < 60; index++) {
      const { graph, feeds } = generateCase(name, 5, index);
      const engine = findEngine(name);
      try {
        const typed = inferGraph(rewrite(graph, engine), engine);
        const tensor = referenceTrace({ graph: typed, engine }, feeds).tensors.at(-1)!;
        const operands = new Map(Object.entries(feeds).map(([key, { data }]) => [key, data]));
        for (let k = 0; k < 3; k++) {
          const flat = random.integer(0, tensor.data.length - 1);
          const analysis = analyzeElement({
            graph: typed,
            engine,
            tensor: tensor.name,
            index: coordinates(flat, tensor.shape),
            operands,
            reference: Number(tensor.data[flat]),
          });
          expect(analysis.computed, `case ${index}, element ${flat}`).toBe(tensor.data[flat]);
          if (analysis.engines[0]!.unsupported === undefined)
            expect(analysis.engines[0]).toMatchObject({ engine: name, value: tensor.data[flat], gives: ['reference'] });
          if (tensor.accumulators) expect(analysis.sum!.accumulator).toBe(tensor.accumulators[flat]);
          if (analysis.scale?.weight)
            expect(sameFraction(parse(analysis.requantized[0]!.exact.fraction), exactValue(analysis))).toBe(true);
          expect(elementText(analysis).length).toBeGreaterThan(100);
          seen[tensor.op] = (seen[tensor.op] ?? 0) + 1;
        }
      } catch (error) {
        if (!(error instanceof UnsupportedModelError)) throw error;
      }
    }
    expect(Object.keys(seen).sort()).toEqual(
      expect.arrayContaining(['Add', 'Conv', 'DequantizeLinear', 'Gemm', 'GlobalAveragePool', 'QuantizeLinear']),
    );
  });
});

describe.skipIf(!sharedAvailable)(`elements of recorded networks (needs ${shared})`, () => {
  it.each([
    ['qnnpack', 'torchvision_mobilenet_v2_qnnpack', 'pytorch_qnnpack_trace_cat_720p'],
    ['fbgemm-avx2', 'torchvision_mobilenet_v2_qnnpack', 'pytorch_fbgemm_avx2_trace_cat_720p'],
    ['x86', 'torchvision_mobilenet_v2_fbgemm_full_range', 'pytorch_x86_full_range_trace_hot_dog'],
  ])('%s gives what the real engine gave, in every layer', { timeout: 60_000 }, (name, model, trace) => {
    const engine = findEngine(name);
    const graph = inferGraph(readModel(readFileSync(resolve(shared, `models/${model}.pth`))), engine);
    const file = readFileSync(resolve(shared, `goldens/${trace}.npz`));
    const recorded = matchRecorded(openNpz(new Uint8Array(file)), [...graph.tensors.values()], trace).tensors;
    // the pool is recorded behind the Flatten, which moves values only
    const pool = graph.nodes.find(({ op }) => op === 'GlobalAveragePool')!.outputs[0]!;
    const flatten = graph.nodes.find(({ op }) => op === 'Flatten')!.outputs[0]!;
    const operands = new Map([...recorded, [pool, recorded.get(flatten)!]]);
    const random = new Random(4);
    let [elements, layers] = [0, 0];
    for (const node of graph.nodes) {
      const tensor = node.outputs[0]!;
      if (tensor === flatten) continue;
      const expected = operands.get(tensor)!;
      const { shape } = graph.tensors.get(tensor)!;
      layers++;
      for (const flat of [0, random.integer(0, expected.length - 1)]) {
        const index = coordinates(flat, shape);
        const { computed } = analyzeElement({ graph, engine, tensor, index, operands });
        expect(computed, `${tensor} [${index.join(', ')}]`).toBe(expected[flat]);
        elements++;
      }
    }
    expect([layers, elements]).toEqual([66, 132]);
  });

  it('finds the pairs that saturate in the first layer of the puzzle', { timeout: 60_000 }, () => {
    const engine = findEngine('fbgemm-avx2');
    const model = readFileSync(resolve(shared, 'models/torchvision_mobilenet_v2_qnnpack.pth'));
    const graph = inferGraph(readModel(model), engine);
    const file = readFileSync(resolve(shared, 'goldens/pytorch_fbgemm_avx2_trace_cat_720p.npz'));
    const { tensors } = matchRecorded(openNpz(new Uint8Array(file)), [...graph.tensors.values()], 'trace');
    const exact = findEngine('fbgemm');
    const layer = graph.nodes[1]!;
    const tensor = layer.outputs[0]!;
    const own = { ...graph, nodes: [layer], inputs: [graph.tensors.get('quant')!], outputs: [tensor] };
    const feeds = { quant: new Tensor('uint8', tensors.get('quant')! as Uint8Array, [1, 3, 224, 224]) };
    const unsaturated = referenceTrace({ graph: own, engine: exact }, feeds).outputs[tensor]!.data as Uint8Array;
    const recorded = tensors.get(tensor)! as Uint8Array;
    const differing = [...recorded.keys()].filter((i) => recorded[i] !== unsaturated[i]);
    expect(differing).toHaveLength(3051);
    for (const flat of differing.filter((_, i) => i % 500 === 0)) {
      const analysis = analyzeElement({
        graph,
        engine,
        tensor,
        index: coordinates(flat, [1, 32, 112, 112]),
        operands: tensors,
        theirs: unsaturated[flat]!,
        reference: recorded[flat]!,
      });
      expect(analysis.computed).toBe(recorded[flat]);
      expect(analysis.sum!.pairs!.some((pair) => pair.exact !== pair.int16)).toBe(true);
      const giving = (side: 'theirs' | 'reference') =>
        analysis.engines.filter(({ gives }) => gives.includes(side)).map((one) => one.engine);
      // every engine without VNNI may saturate here as this one does; those with VNNI do not
      expect(giving('reference')).toEqual(expect.arrayContaining(['fbgemm-avx2', 'x86-avx2']));
      expect(giving('reference').filter((name) => !name.endsWith('-avx2'))).toEqual([]);
      expect(giving('theirs')).toContain('fbgemm');
    }
  });
});
