import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packHex } from './pack.ts';
import { randomFeeds } from '../cli/generated_inputs.ts';
import { bitsFor, ORDERS } from './array.ts';
import { layerVectors } from './describe_layer.ts';
import { FORMATS } from './formats/index.ts';
import { evaluateLine, integerRequantization } from './line.ts';
import type { Manifest, ManifestArray } from './manifest.ts';
import { fileNames } from './names.ts';
import { writeVectors, type VectorOptions } from './write.ts';
import { defaultModel } from '../../models/index.ts';
import { InvalidInputError } from '../../src/errors.ts';
import { readModel } from '../../src/formats/index.ts';
import type { Graph, GraphNode } from '../../src/graph/graph.ts';
import { contextOf } from '../../src/layers/infer.ts';
import { createPlan, type Plan } from '../../src/plan/plan.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { findEngine } from '../../src/engines/index.ts';
import type { LinearLayer } from '../../src/engines/engine.ts';
import type { TracedTensor } from '../../src/trace.ts';
import { chosen } from '../../tests/helpers/long.ts';
import { smallLayer } from '../../tests/helpers/small_layers.ts';
import { smallModel } from '../../tests/helpers/small_model.ts';
import { channelsFirst, readWords, withoutTiles } from '../../tests/helpers/vector_files.ts';

const root = mkdtempSync(join(tmpdir(), 'exact8-vectors-'));
afterAll(() => rmSync(root, { recursive: true }));

const origin = { generator: 'test', model: 'm', modelHash: 'h', input: 'i', inputHash: 'h' };
const defaults = { formats: FORMATS, orders: ORDERS, accumulators: true, multiplierBits: 31, origin };
const only = (...names: string[]) => FORMATS.filter(({ name }) => names.includes(name));

/** Every file of an array holds these values, in its own format and order. */
function expectValues(folder: string, array: ManifestArray, values: ArrayLike<number | bigint>, title: string): void {
  const expected = Array.from(values, Number);
  expect(array.words, title).toBe(expected.length);
  for (const file of array.files) {
    const words = readWords(folder, file, array);
    const read =
      file.layout === 'nhwc' || file.layout === 'ohwi'
        ? channelsFirst(words, file.shape)
        : file.layout?.endsWith('c') && file.shape.length === 5
          ? withoutTiles(words, file.shape, array.shape[1]!)
          : words;
    const wrong = read.findIndex((value, i) => value !== expected[i]);
    if (read.length !== expected.length || wrong >= 0)
      expect.fail(
        `${title} in ${file.path}: word ${wrong} of ${read.length} is ${read[wrong]}, not ${expected[wrong]}`,
      );
  }
}

function allFiles(manifest: Manifest) {
  const arrays = [...manifest.tensors, ...manifest.layers.flatMap(({ arrays }) => Object.values(arrays))];
  return arrays.flatMap(({ files }) => files);
}

describe('a small layer, in every format and order', () => {
  const kinds = [
    ['uint8, 3 to 5 channels', { channels: [3, 5], stride: 2 }],
    ['int8, weights with a zero point', { channels: [2, 4], stride: 1, type: 'int8', weightZero: 3 }],
    ['depthwise', { channels: [4, 4], stride: 1, depthwise: true }],
  ] as const;
  it.each(kinds)('%s: read back equal', async (name, kind) => {
    const { graph, feeds } = smallLayer(kind, 3);
    const plan = createPlan(graph);
    const out = join(root, name);
    const manifest = await writeVectors({ ...defaults, plan, feeds, out });
    const trace = referenceTrace(plan, feeds);
    expect(manifest.tensors.map((tensor) => tensor.name)).toEqual(['x', 'y']);
    for (const tensor of manifest.tensors) {
      expect(tensor.files).toHaveLength(FORMATS.length * ORDERS.length);
      expectValues(out, tensor, trace.tensors.find(({ name }) => name === tensor.name)!.data, tensor.name);
    }
    const { arrays, accumulation, window } = manifest.layers[0]!;
    expectValues(out, arrays['accumulators']!, trace.tensors[1]!.accumulators!, 'accumulators');
    expectValues(out, arrays['weights']!, graph.constants.get('w')!.data, 'weights');
    expectValues(out, arrays['bias']!, graph.constants.get('b')!.data, 'bias');
    expectValues(out, arrays['weight_scale']!, graph.constants.get('w')!.quantization!.scale, 'weight scales');
    expect(window).toMatchObject({ strides: [kind.stride, kind.stride], pads: [1, 1, 1, 1] });
    expect(accumulation!.mode).toBe('exact');
    expect(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))).toEqual(manifest);
    // 3 formats are texts, in which a channel is a word
    expect(manifest.layers[0]!.channelWords!.files).toHaveLength(3);
    for (const file of ['README.md', 'network.h', 'layers/y/parameters.vh'])
      expect(existsSync(join(out, file))).toBe(true);
  });

  it.each([
    [16, undefined],
    [64, undefined],
    [512, undefined],
    [24, 3],
    [64, 4],
  ])('in words of %i bits, tiles of %s channels: read back equal', async (wordBits, tile) => {
    const { graph, feeds } = smallLayer({ channels: [5, 6], stride: 2, type: 'int8' }, 3);
    const plan = createPlan(graph);
    const out = join(root, `words of ${wordBits} in ${tile}`);
    const options = { ...defaults, plan, feeds, out, wordBits, ...(tile === undefined ? {} : { tile }) };
    const { tensors, layers } = await writeVectors(options);
    const trace = referenceTrace(plan, feeds);
    for (const tensor of tensors)
      expectValues(out, tensor, trace.tensors.find(({ name }) => name === tensor.name)!.data, tensor.name);
    const { arrays, channelWords, requantization, accumulation } = layers[0]!;
    expectValues(out, arrays['weights']!, graph.constants.get('w')!.data, 'weights');
    const text = tensors[0]!.files.find(({ format, layout }) => format === 'hex' && layout === 'nchwc')!;
    expect(text).toMatchObject({
      wordBits,
      shape: [1, Math.ceil(5 / (tile ?? wordBits / 8)), 12, 10, tile ?? wordBits / 8],
    });
    // channels that there are not hold the zero point, which adds nothing
    const words = readWords(out, text, tensors[0]!);
    if (tile === 3) expect(words[3 * 120 + 2]).toBe(tensors[0]!.zeroPoint);
    // a word a channel: every field is the array's
    const [file] = channelWords!.files.filter(({ format }) => format === 'hex');
    const lines = readFileSync(join(out, file!.path), 'utf8').trim().split('\n').slice(1);
    expect(lines).toHaveLength(6);
    expect(channelWords!.fields.map(({ name }) => name)).toEqual([
      'weight_zero_point',
      'bias',
      'multiplier',
      'offset',
      'shift',
      'exact',
    ]);
    for (const { name, lsb, bits, signed } of channelWords!.fields)
      expectValues(
        out,
        { ...arrays[name]!, files: arrays[name]!.files },
        lines.map((line) => {
          const value = BigInt(`0x${line}`) >> BigInt(lsb);
          return Number(signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value));
        }),
        name,
      );
    // wide enough, and no bit wider
    const { product, scaled, shifted } = requantization!.widths;
    const of = (name: string) =>
      readWords(
        out,
        arrays[name]!.files.find(({ format }) => format === 'hex')!,
        arrays[name]!,
      );
    const [bias, multiplier, offset, shift] = ['bias', 'multiplier', 'offset', 'shift'].map(of);
    const [least, most] = ['accumulator_min', 'accumulator_max'].map(of);
    let needed = [0, 0, 0];
    for (const c of bias!.keys())
      for (const sum of [least![c]!, most![c]!]) {
        const value = BigInt(sum + bias![c]!) * BigInt(multiplier![c]!);
        const all = [value, value + BigInt(offset![c]!), (value + BigInt(offset![c]!)) >> BigInt(shift![c]!)];
        needed = needed.map((bits, i) => {
          for (let n = bits; ; n++) if (BigInt.asIntN(n, all[i]!) === all[i]) return n;
        });
      }
    expect([product, scaled, shifted]).toEqual(needed);
    expect(accumulation!.bits).toBeLessThanOrEqual(32);
    const bitsOf = (...values: number[]): number =>
      Math.max(...values.map((v) => bitsFor(Math.min(v, 0), Math.max(v, 0), true)));
    const inputs = [-128, 127].map((x) => x - tensors[0]!.zeroPoint!);
    const weights = [...(graph.constants.get('w')!.data as Int8Array)];
    expect(accumulation!.widths).toEqual({
      input: bitsOf(...inputs),
      weight: bitsOf(...weights),
      product: bitsOf(...weights.flatMap((w) => inputs.map((x) => x * w))),
    });
  });

  it('is written the same every time, with checksums that hold', async () => {
    const { graph, feeds } = smallLayer({ channels: [3, 5], stride: 2 }, 3);
    const manifests = [];
    for (const run of ['a', 'b'])
      manifests.push(
        await writeVectors({ ...defaults, plan: createPlan(graph), feeds, out: join(root, `same ${run}`) }),
      );
    expect(manifests[0]).toEqual(manifests[1]);
    for (const { path, sha256, bytes } of allFiles(manifests[0]!)) {
      const content = readFileSync(join(root, 'same a', path));
      expect(content.length, path).toBe(bytes);
      expect(createHash('sha256').update(content).digest('hex'), path).toBe(sha256);
    }
  });

  it('says how accumulators of a saturating engine saturate', async () => {
    const { graph, feeds } = smallLayer({ channels: [3, 5], stride: 2 }, 3);
    const plan = createPlan(graph, { engine: 'fbgemm-avx2' });
    const { layers } = await writeVectors({ ...defaults, plan, feeds, out: join(root, 'saturating') });
    expect(layers[0]!.accumulation).toMatchObject({
      mode: 'saturating-pairs',
      definition: expect.stringMatching(/int16/),
    });
  });
});

/** In the default model, too, every tensor has a layer: e2e/vectors.spec.ts computes them from the files. */
const NETWORKS = chosen(
  [{ name: 'a small network', model: smallModel, summing: 6, sum: 'sum', operands: ['first', 'project'] }],
  [
    {
      name: 'the default model',
      model: defaultModel,
      summing: 56,
      sum: 'block_2_add',
      operands: ['block_1_project', 'block_2_project'],
    },
  ],
);

describe.each(NETWORKS)('$name, whole', ({ name: title, model, summing: sums, sum, operands }) => {
  let plan: Plan;
  let manifest: Manifest;
  let trace: Map<string, TracedTensor>;
  const out = join(root, title);
  beforeAll(async () => {
    plan = createPlan(readModel(await model()));
    const feeds = randomFeeds(plan, 1);
    manifest = await writeVectors({ ...defaults, plan, feeds, out, formats: only('npy', 'bin'), orders: ['nchw'] });
    trace = new Map(referenceTrace(plan, feeds).tensors.map((tensor) => [tensor.name, tensor]));
  }, 120_000);

  it('every tensor and accumulator is read back equal', () => {
    expect(manifest.tensors.map(({ name }) => name)).toEqual([...trace.keys()]);
    for (const tensor of manifest.tensors) expectValues(out, tensor, trace.get(tensor.name)!.data, tensor.name);
    const summing = manifest.layers.filter(({ accumulation }) => accumulation);
    expect(summing).toHaveLength(sums);
    for (const { name, arrays } of summing)
      expectValues(out, arrays['accumulators']!, trace.get(name)!.accumulators!, `accumulators of ${name}`);
  }, 120_000);

  it('every weight and bias is the file’s, and every accumulator lies in the range that is given', () => {
    for (const { node, name, arrays, accumulation } of manifest.layers) {
      if (!arrays['weights']) continue;
      const { inputs, op } = plan.graph.nodes.find((other) => other.name === node)!;
      const [weights, bias] = [inputs[1]!, inputs[2]!].map((input) => plan.graph.constants.get(input)!.data);
      if (op === 'Conv') expectValues(out, arrays['weights'], weights!, `weights of ${name}`);
      expectValues(out, arrays['bias']!, bias!, `bias of ${name}`);
      const { least, most, bits } = accumulation!;
      expect([least, most].every((value) => value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1))).toBe(true);
      for (const sum of trace.get(name)!.accumulators!) if (sum < least || sum > most) expect.fail(`${name}: ${sum}`);
    }
  }, 120_000);

  it('no file is there that the manifest does not name', () => {
    const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files).toHaveLength(allFiles(manifest).length + 3);
  });

  it('one layer alone comes with its input', async () => {
    const one = join(root, `${title}, one layer`);
    const feeds = randomFeeds(plan, 1);
    const options: VectorOptions = {
      ...defaults,
      plan,
      feeds,
      out: one,
      formats: only('bin'),
      layers: [sum],
    };
    const { tensors, layers } = await writeVectors(options);
    expect(layers.map(({ name }) => name)).toEqual([sum]);
    expect(tensors.map(({ name }) => name).sort()).toEqual([...operands, sum].sort());
    await expect(writeVectors(options)).rejects.toThrow(/not empty/);
    await expect(writeVectors({ ...options, out: join(root, 'none'), layers: [`${sum}s`] })).rejects.toThrow(
      new RegExp(`'${sum}s'; nearest are '${sum}'`),
    );
    const file = join(root, `${title}, a file`);
    writeFileSync(file, '');
    await expect(writeVectors({ ...options, out: file })).rejects.toThrow(InvalidInputError);
    expect(statSync(file).size).toBe(0);
  }, 60_000);
});

describe('integer requantization', () => {
  const layer = (engine: string, weightScale: number[], bias: Int32Array | Float32Array, relu = false) => {
    const description: LinearLayer = {
      op: 'conv',
      input: { type: 'uint8', scale: 0.02, zeroPoint: 128 },
      output: { type: 'uint8', scale: 0.05, zeroPoint: 100 },
      weightScale: Float32Array.from(weightScale),
      weightType: 'int8',
      weightZeroPoint: Int32Array.of(0),
      bias,
      relu,
      inputChannels: 8,
      outputChannels: weightScale.length,
      groups: 1,
      kernel: [1, 1],
      pads: [0, 0, 0, 0],
    };
    return findEngine(engine).linear(description);
  };
  const LO = -20_000;
  const HI = 25_000;
  const scales = [0.01, 0.0213, 0.5, 1e-9, 0.0500001];

  it.each([
    ['onnxruntime', 31, false],
    ['onnxruntime', 16, false],
    ['onnxruntime', 4, false],
    ['fbgemm', 31, true],
    ['onednn', 31, false],
    ['qnnpack', 12, true],
  ])('%s in %i bits: right at every accumulator, exact or corrected', (engine, bits, relu) => {
    const bias = Int32Array.of(1000, -77, 3, 12, -5000);
    const integer = engine === 'onnxruntime';
    const real = Float32Array.from(bias, (b, c) => (b + 0.3) * 0.02 * scales[c]!);
    const functions = layer(engine, scales, integer ? bias : real, relu);
    const range = { lo: new Float64Array(5).fill(LO), hi: new Float64Array(5).fill(HI) };
    const remainder = new Float64Array(5).fill(integer ? 0 : 0.3);
    const result = integerRequantization({ functions, range, bias, remainder, min: 0, zeroPoint: 100 }, bits);
    const clamp = [functions.min, functions.max] as const;
    for (const [c, line] of result.lines.entries()) {
      expect(line.multiplier).toBeLessThan(2 ** bits);
      const f = functions.at(c);
      for (let accumulator = LO; accumulator <= HI; accumulator++) {
        const expected = f(accumulator);
        if (line.exact) {
          if (evaluateLine(line, bias[c]!, accumulator, clamp) !== expected) expect.fail(`${c}: ${accumulator}`);
          continue;
        }
        const boundaries = result.boundaries!.subarray(c * 255, (c + 1) * 255);
        if (boundaries.filter((first) => first <= accumulator).length !== expected)
          expect.fail(`boundaries of ${c}: ${accumulator}`);
        if (result.correction !== 'compare') continue;
        const guess = evaluateLine(line, bias[c]!, accumulator, clamp);
        const corrected = guess + Number(guess < clamp[1] && accumulator >= boundaries[guess]!);
        if (corrected !== expected) expect.fail(`guess of ${c}: ${accumulator}`);
      }
    }
    expect(result.correction === 'none').toBe(result.lines.every(({ exact }) => exact));
    // in 4 bits not even a guess is within one of every output
    if (bits === 4) expect(result.correction).toBe('search');
  });
});

describe('names and widths', () => {
  it('file names are plain, and differ by more than case', () => {
    const names = fileNames(['a/b', 'a:b', 'A_b', '..', 'features.0.0']);
    expect([...names.values()]).toEqual(['a_b', 'a_b_2', 'A_b_3', '_.', 'features.0.0']);
  });
  it('of long names the beginning is left, numbered where it is the same', () => {
    const long = 'x'.repeat(300);
    const names = [...fileNames([`${long}a`, `${long}b`]).values()];
    expect(names).toEqual(['x'.repeat(100), `${'x'.repeat(100)}_2`]);
  });
  it.each([
    [0, 0, false, 1],
    [0, 255, false, 8],
    [0, 256, false, 9],
    [0, 0, true, 1],
    [-1, 0, true, 1],
    [-128, 127, true, 8],
    [-129, 0, true, 9],
    [0, 128, true, 9],
  ])('%i to %i, signed %s: %i bits', (least, most, signed, bits) => {
    expect(bitsFor(least, most, signed)).toBe(bits);
  });
});

describe('pack', () => {
  const tensor = { name: 'y', type: 'int8', bits: 8, signed: true, shape: [1, 2, 1, 2], words: 4, files: [] } as const;
  it('reads what $writememh writes, in either order', () => {
    const text = '// 0x00000000\n01\nff\n80 // comment\n7f\n';
    expect([...packHex(text, tensor, 'nchw', 'f').data]).toEqual([1, -1, -128, 127]);
    expect([...packHex(text, tensor, 'nhwc', 'f').data]).toEqual([1, -128, -1, 127]);
  });
  it('reads tiles, as they were written and as $writememh writes them', () => {
    const files = [
      { path: 'y.nchwc.hex', format: 'hex', layout: 'nchwc', shape: [1, 2, 1, 2, 2], bytes: 0, sha256: '' },
    ];
    const three = { ...tensor, shape: [1, 3, 1, 2], words: 6, files };
    const text = '01\n02\n03\n04\n05\nee\n06\nee\n';
    expect([...packHex(text, three, 'tiled', 'f').data]).toEqual([1, 3, 2, 4, 5, 6]);
    expect(() => packHex(text, { ...three, files: [] }, 'tiled', 'f')).toThrow(/not written in tiles/);
    expect(() => packHex('01\n', three, 'tiled', 'f')).toThrow(/8 elements/);
  });
  it('refuses words that were never computed, and other numbers of them', () => {
    expect(() => packHex('01 xx 02 03', tensor, 'nchw', 'f')).toThrow(/word 1 is 'xx'/);
    expect(() => packHex('01 02 03', tensor, 'nchw', 'f')).toThrow(/3 words.*4 elements/);
  });
});

describe('what a layer is, whatever its operator is called', () => {
  const quantization = { scale: Float32Array.of(0.5), zeroPoint: Int32Array.of(3) };
  const layerOf = (op: string, constants: Graph['constants'], attributes: GraphNode['attributes']) => {
    const inputs = [{ name: 'x', type: 'uint8', shape: [1, 4, 1, 1], quantization } as const];
    const { graph, engine } = createPlan({
      ...{ name: op, format: 'test', engine: 'onnxruntime', inputs, constants, outputs: ['y'] },
      nodes: [{ name: op, op, inputs: ['x', ...constants.keys()], outputs: ['y'], attributes }],
      tensors: new Map([['y', { name: 'y', type: 'uint8', quantization }]]),
    });
    return layerVectors(graph.nodes[0]!, contextOf(graph, graph.tensors, engine), 31);
  };

  it('a Squeeze is a copy', () => {
    const axes = { name: 'axes', type: 'int64', shape: [2], data: BigInt64Array.of(2n, 3n) } as const;
    expect(layerOf('Squeeze', new Map([['axes', axes]]), {})).toMatchObject({
      kind: 'copy',
      inputs: ['x'],
      arrays: {},
    });
  });

  it('an average of whole images is the same, whichever operator says so', () => {
    const whole = { kernel_shape: [1, 1] };
    const { kind, formulas, arrays } = layerOf('GlobalAveragePool', new Map(), {});
    expect(layerOf('AveragePool', new Map(), whole)).toMatchObject({ kind, formulas, arrays });
  });

  it('a MaxPool is its window', () => {
    expect(layerOf('MaxPool', new Map(), { kernel_shape: [1, 1] })).toMatchObject({
      kind: 'max-pool',
      window: { kernel: [1, 1], strides: [1, 1], groups: 4, paddingValue: 0 },
    });
  });

  it('a LeakyRelu is a table of its 256 values', () => {
    const { kind, arrays } = layerOf('LeakyRelu', new Map(), { alpha: 0.1 });
    expect({ kind, shape: arrays['table']!.shape }).toEqual({ kind: 'bytes', shape: [256] });
  });

  it('an average of windows has a requantization for each count of elements', () => {
    const window = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
    const { kind, order, arrays } = layerOf('AveragePool', new Map(), window);
    expect({ kind, order }).toEqual({
      kind: 'average-pool-float',
      order: { lines: 1, length: 9, lineStep: 0, step: 1 },
    });
    expect([...arrays['counts']!.data]).toEqual([1]);
  });
});
