import * as converter from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import type { Layer, Network, WeightedLayer } from '../../models/network.ts';
import type { Heap } from './browser.ts';
import { judgeLeak, type HeapPart } from './leak.ts';
import type { GpuCalls } from './measure/gpu_calls.ts';
import type { LayerTiming } from './measure/time_layers.ts';
import type { Roof } from './measure/roof.ts';
import { writeTfjsGraph } from './peers/tfjs_graph.ts';
import { renderBenchReport } from './report/report.ts';
import { logScale, logTicks } from './report/scale.ts';
import { layerResults, layerTotals, type EngineResult } from './result.ts';
import { placeUnderRoof } from './roofline.ts';
import { stepKind } from './work.ts';
import type { Step } from '../../src/kernels/step.ts';
import { summarize } from './statistics.ts';

describe('summarize', () => {
  it('gives the middle, the ends and the spread of the middle half', () => {
    expect(summarize([5, 1, 4, 2, 3])).toEqual({ min: 1, median: 3, max: 5, spread: 2, count: 5 });
    expect(summarize([1, 2])).toMatchObject({ median: 1.5, spread: 0.5 });
    expect(summarize([7])).toEqual({ min: 7, median: 7, max: 7, spread: 0, count: 1 });
  });
  it('refuses an empty list', () => expect(() => summarize([])).toThrow(RangeError));
});

describe('placeUnderRoof', () => {
  const roof = { gmacs: 10, gbytes: 2, dispatchMs: 0.01 };
  it('takes the arithmetic roof where there is much to compute for each byte', () => {
    // 10^9 multiply-adds take 100 ms at best, 10^6 bytes half a millisecond
    const point = placeUnderRoof({ macs: 1e9, bytes: 1e6, ms: 400 }, roof);
    expect(point).toMatchObject({ gmacs: 2.5, roofShare: 0.25, bound: 'compute', intensity: 1000 });
  });
  it('takes the memory roof where there is little', () => {
    const point = placeUnderRoof({ macs: 1e6, bytes: 1e6, ms: 1 }, roof);
    expect(point).toMatchObject({ gbytes: 1, roofShare: 0.5, bound: 'memory' });
  });
  it('says dispatch where even that takes longer', () => {
    expect(placeUnderRoof({ macs: 1000, bytes: 1000, ms: 0.02 }, roof).bound).toBe('dispatch');
  });
});

describe('layer results', () => {
  const roof: Roof = { gmacs: 10, gbytes: 2, dispatchMs: 0.01, arithmetic: {}, memory: {}, timestamps: true };
  const timing = (change: Partial<LayerTiming>): LayerTiming => ({
    name: 'a',
    op: 'Conv',
    kernel: 'pointwise',
    kind: 'pointwise',
    macs: 1e7,
    bytes: 1e5,
    ms: summarize([4]),
    ...change,
  });
  const layers = layerResults(
    [
      timing({ bareMs: summarize([3]) }),
      timing({ ms: summarize([5, 4]), bareMs: summarize([3.5, 6]) }),
      timing({ op: 'Add', kind: 'other', macs: 0, ms: summarize([2]) }),
    ],
    roof,
  );
  it('takes the ablation as the time of requantization', () => {
    expect(layers.map(({ requantizationMs }) => requantizationMs)).toEqual([1, 0.5, undefined]);
  });
  it('adds up by kind', () => {
    const totals = layerTotals(layers, roof);
    expect(totals).toMatchObject({ ms: 10, macs: 2e7, bytes: 3e5, requantizationMs: 1.5, requantizationShare: 0.15 });
    expect(totals.kinds[0]).toMatchObject({ kind: 'pointwise', layers: 2, ms: 8, gmacs: 2.5, arithmeticShare: 0.25 });
  });
});

describe('the network as a TensorFlow.js graph', () => {
  const size = 6;
  const weights = (count: number, step: number): Float64Array =>
    Float64Array.from({ length: count }, (_, i) => (((i * step) % 11) - 5) / 8);
  const conv = (name: string, input: string, shape: number[], change: Partial<WeightedLayer>): WeightedLayer => ({
    kind: 'conv',
    name,
    input,
    shape,
    weight: weights(
      shape.reduce((a, b) => a * b),
      7,
    ),
    bias: weights(shape[0]!, 3),
    activation: 'relu6',
    stride: 1,
    pads: [0, 0, 0, 0],
    group: 1,
    ...change,
  });
  const layers: Layer[] = [
    conv('first', 'input', [4, 3, 3, 3], { stride: 2, pads: [0, 0, 1, 1] }),
    conv('depthwise', 'first', [4, 1, 3, 3], { pads: [1, 1, 1, 1], group: 4 }),
    // TensorFlow has no name for this padding
    conv('wide', 'depthwise', [4, 1, 3, 3], {
      pads: [2, 1, 0, 1],
      group: 1,
      shape: [4, 4, 3, 3],
      weight: weights(144, 5),
    }),
    conv('project', 'wide', [4, 4, 1, 1], { activation: 'linear' }),
    { kind: 'add', name: 'sum', inputs: ['project', 'first'] },
    { kind: 'average', name: 'average', inputs: ['sum'] },
    { kind: 'flatten', name: 'flat', inputs: ['average'] },
    conv('dense', 'flat', [2, 4], { kind: 'dense', activation: 'linear' }),
  ];
  const network: Network = { name: 'small', layers, classes: 2, input: { size, range: [0, 1] } };

  it('computes what the layers say', async () => {
    await tf.setBackend('cpu');
    const { weightData, ...graph } = writeTfjsGraph(network, size, size);
    const json = JSON.parse(JSON.stringify(graph)) as object;
    const model = await converter.loadGraphModel(tf.io.fromMemory({ ...json, weightData: weightData.buffer }));
    const image = Float64Array.from({ length: 3 * size * size }, (_, i) => ((i * 5) % 17) / 17);
    const nhwc = Float32Array.from(image, (_, i) => image[(i % 3) * size * size + Math.floor(i / 3)]!);
    const [logits] = [model.execute(tf.tensor(nhwc, [1, size, size, 3])) as tf.Tensor];
    const expected = evaluate(layers, { data: image, channels: 3, size });
    const computed = await logits.data();
    expect(computed).toHaveLength(2);
    expected.forEach((value, i) => expect(computed[i]).toBeCloseTo(value, 4));
  });
});

interface Image {
  readonly data: Float64Array;
  readonly channels: number;
  readonly size: number;
}

/** The layers by their definition, in double precision. */
function evaluate(layers: readonly Layer[], input: Image): Float64Array {
  const values = new Map<string, Image>([['input', input]]);
  for (const layer of layers) values.set(layer.name, layerValue(layer, values));
  return values.get(layers.at(-1)!.name)!.data;
}

function layerValue(layer: Layer, values: ReadonlyMap<string, Image>): Image {
  if ('weight' in layer) return convolve(layer, values.get(layer.input)!);
  const [a, b] = layer.inputs.map((name) => values.get(name)!);
  if (layer.kind === 'add') return { ...a!, data: a!.data.map((value, i) => value + b!.data[i]!) };
  if (layer.kind === 'flatten') return a!;
  const pixels = a!.size ** 2;
  const mean = Float64Array.from({ length: a!.channels }, (_, c) => {
    const plane = a!.data.subarray(c * pixels, (c + 1) * pixels);
    return plane.reduce((sum, value) => sum + value, 0) / pixels;
  });
  return { data: mean, channels: a!.channels, size: 1 };
}

function convolve({ shape, weight, bias, activation, stride, pads, group }: WeightedLayer, x: Image): Image {
  const [out, inGroup, kh, kw] = [...shape, 1, 1] as [number, number, number, number];
  const size = Math.floor((x.size + pads[0]! + pads[2]! - kh) / stride) + 1;
  const data = new Float64Array(out * size * size);
  for (let o = 0; o < out; o++)
    for (let y = 0; y < size; y++)
      for (let column = 0; column < size; column++) {
        let sum = bias[o]!;
        for (let i = 0; i < inGroup; i++)
          for (let ky = 0; ky < kh; ky++)
            for (let kx = 0; kx < kw; kx++) {
              const [row, at] = [y * stride + ky - pads[0]!, column * stride + kx - pads[1]!];
              if (row < 0 || at < 0 || row >= x.size || at >= x.size) continue;
              const channel = group === 1 ? i : o;
              sum += weight[((o * inGroup + i) * kh + ky) * kw + kx]! * x.data[(channel * x.size + row) * x.size + at]!;
            }
        data[(o * size + y) * size + column] = activation === 'relu6' ? Math.min(6, Math.max(0, sum)) : sum;
      }
  return { data, channels: out, size };
}

describe('judgeLeak', () => {
  const nothing: GpuCalls = {
    buffers: 0,
    textures: 0,
    bindGroups: 0,
    pipelines: 0,
    shaderModules: 0,
    querySets: 0,
    submits: 50,
    dispatches: 50,
    liveBytes: 0,
    peakBytes: 0,
  };
  const heapOf = (used: number): Heap => ({ used, embedder: 0, arrays: 0 });
  /** Each part: by how much the heap grows without an inference, and then with some. */
  const heaps = (...growths: [idle: number, inferences: number][]): HeapPart[] =>
    growths.map(([idle, more]) => ({ before: heapOf(0), idle: heapOf(idle), after: heapOf(idle + more) }));
  const flat = [nothing, nothing, nothing];

  it('takes a single step of the heap for what it is', () => {
    expect(judgeLeak(50, heaps([10, 20], [0, 90_000], [0, 10]), flat)).toMatchObject({ flat: true, inferences: 150 });
  });
  it('finds an object that every inference keeps, on the heap or in an array', () => {
    expect(judgeLeak(50, heaps([0, 1000], [0, 1000], [0, 1000]), flat)).toMatchObject({
      flat: false,
      heapBytesPerInference: 20,
    });
    const arrays = (bytes: number): Heap => ({ used: 0, embedder: 0, arrays: bytes });
    const part = { before: arrays(0), idle: arrays(0), after: arrays(1000) };
    expect(judgeLeak(50, [part, part, part], flat).flat).toBe(false);
  });
  it('takes off what the same calls leave without an inference', () => {
    expect(judgeLeak(50, heaps([900, 900], [900, 950], [900, 900]), flat).flat).toBe(true);
    expect(judgeLeak(50, heaps([900, 1800], [900, 1800], [900, 1800]), flat).flat).toBe(false);
  });
  it('finds one GPU object, and one byte of GPU memory', () => {
    expect(judgeLeak(50, heaps([0, 0], [0, 0], [0, 0]), [nothing, { ...nothing, bindGroups: 1 }, nothing]).flat).toBe(
      false,
    );
    expect(judgeLeak(50, heaps([0, 0], [0, 0], [0, 0]), [nothing, { ...nothing, liveBytes: 16 }, nothing]).flat).toBe(
      false,
    );
  });
});

describe('stepKind', () => {
  const step = (kind: string, macs: number, parts?: Step[]): Step =>
    ({ macs, ...(macs && !parts && { variant: { kind } }), ...(parts && { parts }) }) as unknown as Step;
  it('goes by what is computed, whichever kernel does', () => {
    expect(['pointwise', 'gemm', 'depthwise', 'conv'].map((kind) => stepKind(step(kind, 1)))).toEqual([
      'pointwise',
      'pointwise',
      'depthwise',
      'convolution',
    ]);
    expect(stepKind(step('', 0))).toBe('other');
  });
  it('tells blocks from layers with an add folded in', () => {
    const [project, add] = [step('pointwise', 1), step('', 0)];
    expect(stepKind(step('', 1, [project, add]))).toBe('pointwise');
    expect(stepKind(step('', 3, [step('pointwise', 1), step('depthwise', 1), project, add]))).toBe('block');
  });
});

describe('ticks', () => {
  it('are 1, 2 and 5 times powers of ten', () => {
    expect(logTicks(0.5, 12)).toEqual([0.5, 1, 2, 5, 10]);
  });
  it('are powers of ten where there would be too many', () => {
    expect(logTicks(0.01, 1000)).toEqual([0.01, 0.1, 1, 10, 100, 1000]);
  });
  it('lie where the scale puts them', () => {
    expect(logScale(1, 100, 0, 50)(10)).toBeCloseTo(25);
  });
});

describe('the report of a bench', () => {
  const engine = (name: string, ms: number): EngineResult => ({
    name,
    latencyMs: summarize([ms]),
    firstResultMs: 2 * ms,
    startMs: 1,
    imagesPerSecond: { sequential: 1000 / ms, pipelined: 1000 / ms },
    perInference: { dispatches: 64, submits: 1, buffers: 0, bindGroups: 0 },
    gpuBytes: { live: 1e6, peak: 2e6 },
    classIndex: 2,
  });
  const roof: Roof = {
    gmacs: 10,
    gbytes: 2,
    dispatchMs: 0.01,
    arithmetic: { 'f32 dot': 10 },
    memory: { 1: 2 },
    timestamps: true,
  };
  const layer: LayerTiming = {
    name: '<b>expand</b>',
    op: 'Conv',
    kernel: 'pointwise',
    kind: 'pointwise',
    macs: 1e7,
    bytes: 1e5,
    ms: summarize([4]),
    bareMs: summarize([3]),
  };
  const layers = layerResults([layer], roof);
  const report = renderBenchReport({
    model: 'a model',
    modelHash: 'ab12',
    adapter: 'an adapter',
    runtime: 'a browser',
    date: '2026-01-02T03:04:05Z',
    results: [engine('exact8', 100), engine('tfjs-webgpu', 4000)],
    roof,
    layers,
    totals: layerTotals(layers, roof),
  });
  it('has the engines with their ratios, the roof and the layers', () => {
    for (const text of ['an adapter', 'a browser', 'ab12', 'tfjs-webgpu', '40.0×', 'f32 dot 10.0 GMAC/s'])
      expect(report).toContain(text);
    expect(report.match(/<circle/g)).toHaveLength(1);
  });
  it('needs nothing but itself, and escapes what a model brings', () => {
    expect(report).not.toMatch(/https?:|@import|url\(|<script|<b>|NaN|undefined/);
  });
});
