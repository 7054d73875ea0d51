import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { generateBlock } from '../cases/blocks.ts';
import type { Case } from '../cases/case.ts';
import { generateCase } from '../cases/generate.ts';
import { readFeeds } from '../cli/feeds.ts';
import { packHex } from './pack.ts';
import { explain } from '../explain/explain.ts';
import { randomFeeds } from '../cli/generated_inputs.ts';
import { layerVectors } from './describe_layer.ts';
import { FORMATS } from './formats/index.ts';
import { fileNames } from './names.ts';
import { writeVectors, type VectorOptions } from './write.ts';
import { InvalidInputError, UnsupportedModelError } from '../../src/errors.ts';
import { readModel } from '../../src/formats/index.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { contextOf } from '../../src/layers/infer.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { valuesOfBytes } from '../../src/recipes.ts';
import { ENGINES, findEngine } from '../../src/engines/index.ts';
import { Tensor } from '../../src/tensor.ts';
import { chosen } from '../../tests/helpers/long.ts';
import { withLeast } from '../../tests/helpers/pairing_engines.ts';
import { sideBySide } from '../../tests/helpers/side_by_side.ts';
import { smallLayer } from '../../tests/helpers/small_layers.ts';
import { smallModel } from '../../tests/helpers/small_model.ts';
import { smallTflite } from '../../tests/helpers/small_tflite.ts';
import { hasCompiler, hasIcarus, installTools } from '../../tests/helpers/tools.ts';

installTools();

const EXAMPLE = resolve('examples/accelerator');
const SHARED = '../shared';
const sharedAvailable = existsSync(SHARED);

const root = mkdtempSync(join(tmpdir(), 'exact8-accelerator-'));
afterAll(() => rmSync(root, { recursive: true }));

function write(name: string, graph: Graph, options: Partial<VectorOptions> & { engine?: string }) {
  const { engine, feeds, ...rest } = options;
  const plan = createPlan(graph, engine === undefined ? {} : { engine });
  return writeVectors({
    plan,
    feeds: feeds ?? randomFeeds(plan, 1),
    out: join(root, name),
    formats: FORMATS.filter(({ name }) => name === 'hex' || name === 'bin'),
    orders: ['nchw', 'nhwc'],
    accumulators: false,
    multiplierBits: 31,
    origin: { generator: 'test', model: name, modelHash: 'h', input: 'i', inputHash: 'h' },
    ...rest,
  });
}

/** Can the engine run it, and are vectors written of it? */
const hasVectors =
  (engine: string) =>
  ({ graph: given }: Case): boolean => {
    try {
      const { graph } = createPlan(given, { engine });
      for (const node of graph.nodes) layerVectors(node, contextOf(graph, graph.tensors, findEngine(engine)), 31);
      return true;
    } catch (error) {
      if (error instanceof UnsupportedModelError || error instanceof InvalidInputError) return false;
      throw error;
    }
  };

/** The square of `side` pixels in the middle of [1, channels, height, width]. */
function middle({ data, dims }: Tensor, side: number): Tensor {
  const [, channels, height, width] = dims as [number, number, number, number];
  const [top, left] = [(height - side) >> 1, (width - side) >> 1];
  const part = new Float32Array(channels * side * side);
  for (let row = 0; row < channels * side; row++) {
    const at = (Math.floor(row / side) * height + top + (row % side)) * width + left;
    part.set((data as Float32Array).subarray(at, at + side), row * side);
  }
  return new Tensor('float32', part, [1, channels, side, side]);
}

const simulate = (vectors: string, layer: string, ...more: string[]) => {
  const args = [join(EXAMPLE, 'simulate.sh'), join(root, vectors), layer, ...more];
  const { status, stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
};

/** What `explain` has to call them. */
const FAULTS = [
  ['FAULT_SATURATE_PAIRS', 'saturating-pairs'],
  ['FAULT_ZERO_PADDING', 'padding-value'],
  ['FAULT_TRUNCATE', 'rounding'],
  ['FAULT_NO_BIAS', 'bias'],
] as const;

/** The causes of the differences between what the unit computed and the layer's definition. */
function causesOf({ graph, feeds }: ReturnType<typeof smallLayer>, theirs: Uint8Array) {
  const [explained] = explain({
    graph,
    shapes: { x: feeds.x.dims },
    reference: new Map([['x', feeds.x.data]]),
    engines: [findEngine('onnxruntime')],
    theirs: new Map([['y', theirs]]),
  }).layers;
  return explained!.explanation;
}

describe.skipIf(!hasIcarus())('the Verilog unit (needs Icarus Verilog)', () => {
  const kinds = [
    ['an ordinary convolution', { channels: [3, 6], stride: 2 }],
    ['a depthwise convolution', { channels: [6, 6], stride: 1, depthwise: true }],
    ['int8 activations, weights with a zero point', { channels: [2, 4], stride: 1, type: 'int8', weightZero: 3 }],
  ] as const;
  it.each(kinds)('%s: equal in every output', async (name, kind) => {
    await write(name, smallLayer(kind, 5).graph, smallLayer(kind, 5));
    expect(simulate(name, 'y')).toMatchObject({ status: 0, output: expect.stringMatching(/^PASS: 0 of \d+/) });
  });

  it.each([
    [kinds[0], 64, undefined],
    [kinds[1], 24, undefined],
    [kinds[2], 32, 3],
  ] as const)('%s in words of %i bits, in tiles: equal in every output', async ([name, kind], wordBits, tile) => {
    const folder = `${name} in tiles`;
    const { graph, feeds } = smallLayer(kind, 5);
    await write(folder, graph, { feeds, orders: ['tiled'], wordBits, ...(tile && { tile }) });
    expect(simulate(folder, 'y')).toMatchObject({ status: 0, output: expect.stringMatching(/^PASS: 0 of \d+/) });
  });

  it('with multipliers too short for exact lines: corrected', async () => {
    const { graph, feeds } = smallLayer({ channels: [3, 6], stride: 2 }, 5);
    const { layers } = await write('short', graph, { feeds, multiplierBits: 10 });
    expect(layers[0]!.requantization).toMatchObject({ correction: 'compare' });
    expect(layers[0]!.requantization!.exactChannels).toBeLessThan(6);
    expect(simulate('short', 'y')).toMatchObject({ status: 0 });
  });

  it('of an engine that saturates pairs: equal in every output', async () => {
    const { graph, feeds } = smallLayer({ channels: [3, 6], stride: 2 }, 5);
    await write('pairs', graph, { feeds, engine: 'fbgemm-avx2' });
    expect(simulate('pairs', 'y')).toMatchObject({ status: 0 });
    await write('pairs of taps', graph, { feeds, engine: 'onednn-avx2' });
    const output = expect.stringMatching(/^FAIL: this unit adds neighbours in pairs/);
    expect(simulate('pairs of taps', 'y')).toMatchObject({ status: 1, output });
  });

  describe.each(kinds.slice(0, 2))('faults of %s', (name, layer) => {
    it.each(FAULTS)('%s is seen, and explained from its outputs: %s', async (fault, kind) => {
      const vectors = `${name} ${fault}`;
      const { tensors } = await write(vectors, smallLayer(layer, 5).graph, smallLayer(layer, 5));
      const dump = join(root, `${vectors}.hex`);
      const { status, output } = simulate(vectors, 'y', dump, fault);
      expect(status, output).toBe(1);
      const [, wrong] = /^FAIL: (\d+) of/.exec(output)!;
      const tensor = tensors.find(({ name }) => name === 'y')!;
      const theirs = packHex(readFileSync(dump, 'utf8'), tensor, 'nhwc', dump).data as Uint8Array;
      const ours = readFileSync(join(root, vectors, 'tensors/y.nchw.bin'));
      expect(theirs.filter((value, i) => value !== ours[i])).toHaveLength(Number(wrong));
      expect(Number(wrong)).toBeGreaterThan(0);
      const { causes, exact, certain, ownMismatches } = causesOf(smallLayer(layer, 5), theirs);
      expect(causes).toMatchObject([{ kind, side: 'theirs', elements: Number(wrong) }]);
      expect({ exact, certain, ownMismatches }).toEqual({ exact: true, certain: true, ownMismatches: Number(wrong) });
    });
  });

  describe.skipIf(!sharedAvailable)(
    'the first two layers of a real MobileNetV2 on a part of a photograph (needs ../shared)',
    () => {
      const layers = ['features.0.0', 'features.1.conv.0.0'] as const;
      const network = async (file: string, engine: string) => {
        const model = readModel(readFileSync(join(SHARED, 'models', file)));
        const whole = await readFeeds(model, join(SHARED, 'goldens/pytorch_x86_full_range_trace_hot_dog.npz:input'));
        const feeds = { input: middle(whole['input']!, 48) };
        const inputs = model.inputs.map((input) => ({ ...input, shape: feeds.input.dims }));
        const graph = { ...model, inputs };
        const folder = `torch ${engine}`;
        const once = written.get(folder) ?? write(folder, graph, { feeds, layers, engine, orders: ['nhwc'] });
        written.set(folder, once);
        return { ...{ folder, graph, feeds }, tensors: (await once).tensors };
      };
      const written = new Map<string, ReturnType<typeof write>>();

      it('every output', async () => {
        const { folder } = await network('torchvision_mobilenet_v2_fbgemm_full_range.pth', 'x86');
        for (const layer of layers)
          expect(simulate(folder, layer)).toMatchObject({
            status: 0,
            output: expect.stringMatching(/^PASS: 0 of 18432 /),
          });
      }, 600_000);

      it.each(
        chosen(
          [['features.1.conv.0.0', 64, 1]],
          [
            ['features.0.0', 64, 2],
            ['features.0.0', 512, 2],
            ['features.1.conv.0.0', 128, 1],
          ],
        ),
      )(
        '%s in words of %i bits, a stride of %i: every output',
        async (layer, wordBits, stride) => {
          const { graph, feeds } = await network('torchvision_mobilenet_v2_fbgemm_full_range.pth', 'x86');
          const folder = `words of ${wordBits} ${layer}`;
          const { layers } = await write(folder, graph, {
            feeds,
            layers: [layer],
            engine: 'x86',
            orders: ['nhwc'],
            wordBits,
          });
          expect(layers[0]!.window!.strides).toEqual([stride, stride]);
          expect(simulate(folder, layer)).toMatchObject({
            status: 0,
            output: expect.stringMatching(/^PASS: 0 of 18432 /),
          });
        },
        120_000,
      );

      const [first, depthwise] = layers;
      it.each(
        chosen(
          [
            ['qnnpack', first, 'FAULT_TRUNCATE', 'rounding'],
            ['x86', first, 'FAULT_SATURATE_PAIRS', 'saturating-pairs'],
            ['x86', first, 'FAULT_ZERO_PADDING', 'padding-value'],
            ['x86', depthwise, 'FAULT_NO_BIAS', 'bias'],
          ],
          [
            ['x86', first, 'FAULT_TRUNCATE', 'rounding'],
            ['x86', depthwise, 'FAULT_TRUNCATE', 'rounding'],
            ['qnnpack', depthwise, 'FAULT_TRUNCATE', 'rounding'],
            ['fbgemm', first, 'FAULT_TRUNCATE', 'rounding'],
            ['x86', first, 'FAULT_NO_BIAS', 'bias'],
            ['fbgemm', first, 'FAULT_NO_BIAS', 'bias'],
            ['qnnpack', first, 'FAULT_NO_BIAS', 'bias'],
            ['qnnpack', first, 'FAULT_ZERO_PADDING', 'padding-value'],
          ],
        ),
      )(
        '%s, %s: %s is explained: %s',
        async (engine, layer, fault, kind) => {
          const model = engine === 'qnnpack' ? 'qnnpack' : 'fbgemm_full_range';
          const { folder, graph, feeds, tensors } = await network(`torchvision_mobilenet_v2_${model}.pth`, engine);
          const dump = join(root, `${folder} ${layer} ${fault}.hex`);
          expect(simulate(folder, layer, dump, fault)).toMatchObject({ status: 1 });
          const tensor = tensors.find(({ name }) => name === layer)!;
          const theirs = packHex(readFileSync(dump, 'utf8'), tensor, 'nhwc', dump).data as Uint8Array;
          const [explained] = explain({
            graph,
            shapes: { input: feeds.input.dims },
            reference: new Map([['input', feeds.input.data]]),
            engines: [findEngine(engine)],
            theirs: new Map([[layer, theirs]]),
          }).layers;
          const { causes, exact, certain } = explained!.explanation;
          expect({ exact, certain }).toEqual({ exact: true, certain: true });
          expect(causes.map(({ kind, side }) => `${side} ${kind}`)).toContain(`theirs ${kind}`);
          expect(theirs.every((value, i) => explained!.reproduced!(i) === value)).toBe(true);
        },
        600_000,
      );
    },
  );
});

/** By TensorFlow Lite's own integers, or by the line. */
const WAYS = [[], ['', 'BY_LINE']] as const;

describe.skipIf(!hasIcarus())('the Verilog unit as TensorFlow Lite (needs Icarus Verilog)', () => {
  const ENGINES_AND_ROUNDINGS = [
    ['tflite', 'uint8', [0], [0]],
    ['tflite-single', 'int8', [2], [2]],
    // a depthwise layer of int8 rounds half up in whole blocks of 8 channels
    ['tflite-builtin', 'int8', [1], [0, 1]],
  ] as const;
  it.each(ENGINES_AND_ROUNDINGS)('%s, %s: equal in every output', async (engine, type, ...roundings) => {
    const name = `${engine} ${type}`;
    const { layers } = await write(name, readModel(smallTflite(type)), { engine, layers: ['conv', 'depthwise'] });
    for (const [i, { name: layer, arrays }] of layers.entries()) {
      const file = arrays['rounding']!.files.find(({ format }) => format === 'bin')!.path;
      expect([...new Set(readFileSync(join(root, name, file)))].sort(), layer).toEqual(roundings[i]);
      for (const way of WAYS)
        expect(simulate(name, layer, ...way)).toMatchObject({
          status: 0,
          output: expect.stringMatching(/^PASS: 0 of/),
        });
    }
  });

  it.skipIf(!sharedAvailable)(
    'layers of a real MobileNetV1 as tflite, and with one rounding in place of two (needs ../shared)',
    async () => {
      const whole = readModel(readFileSync(join(SHARED, 'models/imagenet_mobilenetv1_025_128_u8.tflite')));
      const nodes = whole.nodes.slice(0, 2);
      const layers = nodes.map(({ outputs }) => outputs[0]!);
      // of a smaller picture
      const inputs = whole.inputs.map((input) => ({ ...input, shape: [1, 3, 64, 64] }));
      const graph = { ...whole, nodes, inputs, outputs: layers.slice(1) };
      const plan = createPlan(graph, { engine: 'tflite' });
      const feeds = randomFeeds(plan, 1);
      const { tensors } = await write('mobilenetv1', graph, { feeds, layers, engine: 'tflite', orders: ['nhwc'] });
      const names = fileNames(plan.graph.tensors.keys());
      for (const layer of layers)
        expect(simulate('mobilenetv1', names.get(layer)!)).toMatchObject({
          status: 0,
          output: expect.stringMatching(/^PASS: 0 of 8192 /),
        });
      const dump = join(root, 'once.hex');
      const { status, output } = simulate('mobilenetv1', names.get(layers[0]!)!, dump, 'FAULT_ROUND_ONCE');
      expect(status, output).toBe(1);
      const tensor = tensors.find(({ name }) => name === layers[0])!;
      const theirs = packHex(readFileSync(dump, 'utf8'), tensor, 'nhwc', dump).data as Uint8Array;
      const [explained] = explain({
        graph,
        shapes: {},
        reference: new Map(Object.entries(feeds).map(([name, { data }]) => [name, data])),
        engines: [findEngine('tflite')],
        theirs: new Map([[layers[0]!, theirs]]),
      }).layers;
      const { causes, exact, certain } = explained!.explanation;
      expect(causes).toMatchObject([{ kind: 'rounding', side: 'theirs' }]);
      expect({ exact, certain }).toEqual({ exact: true, certain: true });
      expect(output).toMatch(new RegExp(`^FAIL: ${causes[0]!.elements} of`));
    },
    120_000,
  );
});

describe.skipIf(!hasCompiler())('the C program (needs a C compiler)', () => {
  const recompute = (vectors: string): { status: number | null; output: string } => {
    const program = join(root, `${vectors} recompute`);
    const flags = ['-std=c99', '-O2', '-Wall', '-Wextra', '-Werror', '-pedantic', '-ffp-contract=off'];
    const source = join(EXAMPLE, 'recompute.c');
    const built = spawnSync('cc', [...flags, '-I', join(root, vectors), '-o', program, source], { encoding: 'utf8' });
    expect(built.stderr).toBe('');
    const { status, stdout, stderr } = spawnSync(program, [join(root, vectors)], { encoding: 'utf8' });
    return { status, output: stdout + stderr };
  };
  const bin = { formats: FORMATS.filter(({ name }) => name === 'bin'), orders: ['nchw'] as const };

  // the default model, whole: e2e/vectors.spec.ts
  it('equals a small network in every layer, and sees one wrong byte', async () => {
    const { layers } = await write('small', readModel(await smallModel()), bin);
    const equal = expect.stringMatching(new RegExp(`\n${layers.length} layers, 0 differ\n$`));
    expect(recompute('small')).toMatchObject({ status: 0, output: equal });
    const path = join(root, 'small/tensors/sum.nchw.bin');
    const bytes = readFileSync(path);
    bytes[123]! ^= 1;
    writeFileSync(path, bytes);
    const { status, output } = recompute('small');
    expect(status).toBe(1);
    expect(output).toMatch(/sum +512 elements, 1 differ/);
  });

  it.skipIf(!sharedAvailable).each(
    chosen(
      [
        ['torchscript_plain_fbgemm', 'fbgemm-avx2', 'max-pool'],
        // a product, a concatenation, a channel shuffle, an average of windows, functions of one byte
        ['torchscript_rich_fbgemm', 'x86', 'pair,concat,move,average-pool,bytes'],
      ],
      [
        ['torchscript_rich_qnnpack', 'qnnpack', 'pair,concat,move,average-pool,bytes'],
        ['torchscript_plain_fbgemm', 'x86', 'max-pool'],
        ['torchscript_plain_qnnpack', 'qnnpack', 'max-pool'],
      ],
    ),
  )('equals %s as %s, which has %s, in every layer (needs ../shared)', async (file, engine, kinds) => {
    const graph = readModel(readFileSync(join(SHARED, 'models', `${file}.pt`)));
    const feeds = await readFeeds(graph, join(SHARED, 'goldens', `${file}.npz:input`));
    const { layers } = await write(`${file} ${engine}`, graph, { ...bin, feeds, engine });
    expect(layers.map(({ kind }) => kind as string)).toEqual(expect.arrayContaining(kinds.split(',')));
    const equal = expect.stringMatching(new RegExp(`\n${layers.length} layers, 0 differ\n$`));
    expect(recompute(`${file} ${engine}`)).toMatchObject({ status: 0, output: equal });
  });

  it('of an engine that adds by another formula at the end: equal in every layer', async () => {
    const { graph, feeds } = generateBlock('x86', 1, 3);
    const { layers } = await write('tails', graph, { ...bin, feeds });
    expect(layers.some(({ arrays }) => 'tails' in arrays)).toBe(true);
    expect(recompute('tails')).toMatchObject({ status: 0, output: expect.stringMatching(/\n3 layers, 0 differ\n$/) });
  });

  it('of a picture, from its bytes on', async () => {
    const quantization = { scale: Float32Array.of(0.0186), zeroPoint: Int32Array.of(114) };
    const input = { name: 'x', type: 'float32', shape: [1, 3, 16, 16] } as const;
    const graph: Graph = {
      ...{ name: 'picture', format: 'test', engine: 'qnnpack', inputs: [input], constants: new Map(), outputs: ['y'] },
      nodes: [{ name: 'y', op: 'QuantizeLinear', inputs: ['x'], outputs: ['y'], attributes: {} }],
      tensors: new Map([['y', { name: 'y', type: 'uint8', quantization }]]),
    };
    // every byte of every channel
    const values = Float32Array.from(valuesOfBytes('torchvision')!.flatMap((row) => [...row]));
    const options = { ...bin, recipe: 'torchvision' } as const;
    const { layers } = await write('pixels', graph, {
      ...options,
      feeds: { x: new Tensor('float32', values, input.shape) },
    });
    const file = (key: string): string => join(root, 'pixels', layers[0]!.arrays[key]!.files[0]!.path);
    expect([...readFileSync(file('pixels'))]).toEqual(Array.from(values, (_, i) => i & 255));
    expect(recompute('pixels')).toMatchObject({ status: 0 });
    const table = readFileSync(file('pixel_table'));
    table[700]! ^= 1;
    writeFileSync(file('pixel_table'), table);
    expect(recompute('pixels').output).toMatch(/ 768 elements, 1 differ/);
    // values of no bytes leave the table
    const others = {
      x: new Tensor(
        'float32',
        values.map((v) => v + 0.01),
        input.shape,
      ),
    };
    const { arrays } = (await write('no pixels', graph, { ...options, feeds: others })).layers[0]!;
    expect(Object.keys(arrays)).toEqual(['thresholds', 'pixel_table']);
  });

  it.each(
    chosen(
      ['onnxruntime-arm64-nodot', 'tflite-builtin'],
      ENGINES.map(({ name }) => name),
    ),
  )(
    'equals 40 generated operators of %s',
    async (engine) => {
      const cases = Array.from({ length: 40 }, (_, i) => generateCase(engine, 7, i)).filter(hasVectors(engine));
      expect(cases.length).toBeGreaterThan(35);
      const { graph, feeds } = sideBySide(cases);
      const { layers } = await write(`cases of ${engine}`, graph, { ...bin, feeds, engine });
      const { status, output } = recompute(`cases of ${engine}`);
      expect(status, output).toBe(0);
      expect(output).toMatch(new RegExp(`\n${layers.length} layers, 0 differ\n$`));
    },
    120_000,
  );

  it.each([
    ['tflite', 'uint8', 'fixed point'],
    ['tflite-builtin', 'int8', 'float32'],
    ['tflite-builtin-arm64', 'uint8', 'table'],
    ['xnnpack', 'int8', 'float32'],
  ] as const)(
    'of a .tflite file under %s, %s: its softmax, by %s, its pools and every other layer',
    async (engine, type, method) => {
      const name = `${engine} ${type} whole`;
      const { layers } = await write(name, readModel(smallTflite(type)), { ...bin, engine });
      expect(layers.at(-1)).toMatchObject({ kind: 'softmax', softmax: method });
      expect(recompute(name)).toMatchObject({ status: 0, output: expect.stringMatching(/\n\d+ layers, 0 differ\n$/) });
    },
  );

  // neighbours; within a tap, in the picture alone; -128 a register apart, that wrap
  it.each([
    ['fbgemm-avx2', 'saturating-pairs', []],
    ['onednn-avx2', 'saturating-pairs', [36]],
    ['onnxruntime-arm64-nodot', 'wrapping-pairs', [32]],
  ] as const)('of the engine %s, which has %s: equal in every output', async (engine, mode, slots) => {
    const { graph, feeds } = withLeast(smallLayer({ channels: [3, 6], stride: 2 }, 5));
    const { layers } = await write(`${engine} in C`, graph, { ...bin, feeds, engine });
    expect(layers[0]!.accumulation).toMatchObject({ mode });
    expect(layers[0]!.arrays['slots']?.shape ?? []).toEqual(slots);
    expect(recompute(`${engine} in C`)).toMatchObject({
      status: 0,
      output: expect.stringMatching(/\n1 layers, 0 differ\n$/),
    });
  });

  it.skipIf(!sharedAvailable).each(
    chosen(
      [['imagenet_mobilenetv1_025_128_u8.qlinear.onnx', 'onnxruntime', 31]],
      [
        ['imagenet_mobilenetv1_025_128_u8.tflite', 'tflite', 31],
        ['imagenet_mobilenetv2_u8.tflite', 'xnnpack', 66],
        ['imagenet_mobilenetv2_i8_per_channel.tflite', 'tflite-builtin', 68],
        ['imagenet_mobilenetv2_qdq.onnx', 'onnxruntime', 90],
        ['torchvision_mobilenet_v2_qnnpack.pth', 'fbgemm-avx2', 67],
        ['torchvision_mobilenet_v2_fbgemm_full_range.pth', 'x86', 67],
      ],
    ),
  )(
    'equals %s as %s in every layer (needs ../shared)',
    async (file, engine, layers) => {
      await write(file, readModel(readFileSync(join(SHARED, 'models', file))), { ...bin, engine });
      expect(recompute(file)).toMatchObject({
        status: 0,
        output: expect.stringMatching(new RegExp(`\n${layers} layers, 0 differ\n$`)),
      });
    },
    120_000,
  );
});
