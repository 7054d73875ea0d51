import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import { readTorch } from './index.ts';
import { isTorch } from './signature.ts';
import type { Graph } from '../../graph/graph.ts';
import { readNpz, shared, sharedAvailable } from '../../../tests/helpers/recorded_cases.ts';
import {
  call,
  dict,
  global,
  int,
  list,
  none,
  persistent,
  pickle,
  text,
  tinyMobileNetV2,
  TorchFile,
  tuple,
  writeZip,
  type Pickled,
  type TensorSpec,
} from '../../../tests/helpers/torch_file.ts';

const node = (graph: Graph, name: string) => graph.nodes.find((n) => n.outputs[0] === name)!;
const ops = (graph: Graph): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
};

describe.each([
  ['zip', false],
  ['legacy', true],
])('a small MobileNetV2, %s format', (_, legacy) => {
  const bytes = tinyMobileNetV2(new TorchFile(legacy));
  const graph = readTorch(bytes);

  it('is recognised', () => {
    expect(isTorch(bytes)).toBe(true);
    expect(isTorch(bytes.subarray(0, 60))).toBe(true);
  });

  it('becomes a graph with the names of the PyTorch modules', () => {
    expect(graph).toMatchObject({ name: 'mobilenet_v2', format: 'torch', engine: 'qnnpack', outputs: ['output'] });
    expect(graph.inputs).toEqual([{ name: 'input', type: 'float32', shape: [-1, 3, 224, 224] }]);
    // 8 channels everywhere: each of the 13 blocks of stride 1 is added to its input
    expect(ops(graph)).toEqual({
      QuantizeLinear: 1,
      Conv: 52,
      Add: 13,
      GlobalAveragePool: 1,
      Flatten: 1,
      Gemm: 1,
      DequantizeLinear: 1,
    });
    expect(graph.nodes.slice(0, 6).map((n) => `${n.op} ${n.inputs.join(' ')} -> ${n.outputs.join(' ')}`)).toEqual([
      'QuantizeLinear input -> quant',
      'Conv quant features.0.0.weight features.0.0.bias -> features.0.0',
      'Conv features.0.0 features.1.conv.0.0.weight features.1.conv.0.0.bias -> features.1.conv.0.0',
      'Conv features.1.conv.0.0 features.1.conv.1.weight features.1.conv.1.bias -> features.1.conv.1',
      'Add features.0.0 features.1.conv.1 -> features.1.skip_add',
      'Conv features.1.skip_add features.2.conv.0.0.weight features.2.conv.0.0.bias -> features.2.conv.0.0',
    ]);
    expect(graph.nodes.slice(-5).map((n) => `${n.op} ${n.inputs.join(' ')} -> ${n.outputs.join(' ')}`)).toEqual([
      'Conv features.17.skip_add features.18.0.weight features.18.0.bias -> features.18.0',
      'GlobalAveragePool features.18.0 -> adaptive_avg_pool2d',
      'Flatten adaptive_avg_pool2d -> avgpool',
      'Gemm avgpool classifier.1.weight classifier.1.bias -> classifier.1',
      'DequantizeLinear classifier.1 -> output',
    ]);
  });

  it('has the geometry that the state_dict leaves out', () => {
    expect(node(graph, 'features.0.0').attributes).toEqual({
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      dilations: [1, 1],
      group: 1,
      relu: 1,
    });
    expect(node(graph, 'features.2.conv.1.0').attributes).toMatchObject({ strides: [2, 2], group: 16, relu: 1 });
    expect(node(graph, 'features.2.conv.2').attributes).toMatchObject({ kernel_shape: [1, 1], group: 1, relu: 0 });
    expect(node(graph, 'features.3.skip_add').attributes).toEqual({ relu: 0 });
    expect(node(graph, 'classifier.1').attributes).toEqual({ transB: 1, relu: 0 });
    const strided = graph.nodes.filter((n) => (n.attributes['strides'] as number[] | undefined)?.[0] === 2);
    expect(strided.map((n) => n.name)).toEqual([
      'features.0.0',
      'features.2.conv.1.0',
      'features.4.conv.1.0',
      'features.7.conv.1.0',
      'features.14.conv.1.0',
    ]);
  });

  it('has the values', () => {
    const weight = graph.constants.get('features.0.0.weight')!;
    expect(weight).toMatchObject({ type: 'int8', shape: [8, 3, 3, 3] });
    expect([...weight.data].slice(0, 3)).toEqual([-100, -99, -98]);
    expect(weight.quantization).toEqual({ scale: Float64Array.of(0.5), zeroPoint: Int32Array.of(0) });
    expect(graph.constants.get('classifier.1.bias')).toEqual({
      name: 'classifier.1.bias',
      type: 'float32',
      shape: [7],
      data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25, 1.5),
    });
    expect(graph.tensors.get('quant')).toEqual({
      name: 'quant',
      type: 'uint8',
      quantization: { scale: Float64Array.of(Math.fround(0.01)), zeroPoint: Int32Array.of(0) },
    });
    expect(graph.tensors.get('avgpool')!.quantization).toEqual(graph.tensors.get('features.18.0')!.quantization);
  });

  it('per channel: a scale for each output channel, and x86', () => {
    const perChannel = readTorch(tinyMobileNetV2(new TorchFile(legacy), { perChannel: true, classes: 3 }));
    expect(perChannel.engine).toBe('x86');
    expect(perChannel.constants.get('classifier.1.weight')!.quantization).toEqual({
      scale: Float64Array.of(0.5, 0.5, 0.5),
      zeroPoint: new Int32Array(3),
      axis: 0,
    });
  });

  it('is refused at every truncation', () => {
    for (let length = 0; length < bytes.length; length += Math.ceil(bytes.length / 200)) {
      expect(() => readTorch(bytes.subarray(0, length))).toThrow(InvalidModelError);
    }
    expect(() => readTorch(bytes.subarray(0, bytes.length - 1))).toThrow(InvalidModelError);
  });
});

describe('a state_dict', () => {
  /** `features.1.conv.1.weight`, [8, 8, 1, 1], replaced. */
  const withWeight = (spec: Partial<TensorSpec>): Uint8Array => {
    const file = new TorchFile();
    const tensor = file.tensor({
      storage: 'QInt8Storage',
      data: Int8Array.from({ length: 64 }, (_, i) => i),
      shape: [8, 8, 1, 1],
      quantizer: [0.5, 0],
      ...spec,
    });
    return tinyMobileNetV2(file, { changes: { 'features.1.conv.1.weight': tensor } });
  };
  const changed = (changes: (file: TorchFile) => Readonly<Record<string, Pickled | null>>): Uint8Array => {
    const file = new TorchFile();
    return tinyMobileNetV2(file, { changes: changes(file) });
  };

  it('may hold its tensors in any order of memory', () => {
    const graph = readTorch(withWeight({ strides: [1, 8, 8, 8] }));
    expect([...graph.constants.get('features.1.conv.1.weight')!.data].slice(0, 9)).toEqual([
      0, 8, 16, 24, 32, 40, 48, 56, 1,
    ]);
    const offset = readTorch(withWeight({ data: new Int8Array(100).fill(3, 36), offset: 36 }));
    expect(offset.constants.get('features.1.conv.1.weight')!.data).toEqual(new Int8Array(64).fill(3));
  });

  it.each(['entries', 'plain'] as const)("may hold a linear layer as PyTorch's older versions did: %s", (packed) => {
    const graph = readTorch(tinyMobileNetV2(new TorchFile(true), { packed }));
    expect(graph).toEqual(readTorch(tinyMobileNetV2(new TorchFile(true))));
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['that is a list', new TorchFile().write(list(int(1), int(2))), /holds a sequence of 2; supported: the state_dict/],
    [
      'of another network',
      new TorchFile().write(dict([['conv1.weight', int(1)]])),
      /1 entries \('conv1.weight' ...\) of no network that is known; .*torch.jit.save\(torch.jit.trace\(model, example\)/,
    ],
    [
      'of the float network',
      changed((file) => ({
        'features.0.0.weight': file.tensor({
          storage: 'FloatStorage',
          data: new Float32Array(216),
          shape: [8, 3, 3, 3],
        }),
      })),
      /'features.0.0.weight': expected a qint8 tensor, got a tensor \[8, 3, 3, 3\] of torch.FloatStorage/,
    ],
    ['with a layer more', changed(() => ({ 'features.19.0.scale': int(1) })), /'features.19.0.scale' is not part of/],
    [
      'with a layer less',
      changed(() => ({ 'features.9.conv.0.0.bias': null })),
      /'features.9.conv.0.0.bias' is missing/,
    ],
    [
      'of other shapes',
      withWeight({ shape: [8, 4, 1, 1] }),
      /expected a qint8 tensor \[any, 8, 1, 1\], got a quantized tensor \[8, 4, 1, 1\]/,
    ],
    ['with weight zero points', withWeight({ quantizer: [0.5, 3] }), /weights with zero point 3; supported: 0/],
    [
      'with None for a bias',
      changed(() => ({ 'features.0.0.bias': none })),
      /'features.0.0.bias': expected a float32 tensor \[8\], got None/,
    ],
    [
      'with a number for a scale',
      changed(() => ({ 'quant.scale': int(1) })),
      /'quant.scale': expected a tensor of one element, got 1/,
    ],
    [
      'with a weight alone',
      changed(() => ({ 'classifier.1._packed_params._packed_params': tuple(int(1)) })),
      /expected a weight and a bias, got a sequence of 1/,
    ],
  ])('%s is not supported', (_, bytes, message) => {
    expect(() => readTorch(bytes)).toThrow(UnsupportedModelError);
    expect(() => readTorch(bytes)).toThrow(message);
  });

  const scalar = (storage: 'FloatStorage' | 'LongStorage', data: Float32Array | BigInt64Array) => (key: string) =>
    changed((file) => ({ [key]: file.tensor({ storage, data, shape: [1] }) }));
  it.each<[string, Uint8Array, RegExp]>([
    ['a scale of 0', scalar('FloatStorage', Float32Array.of(0))('quant.scale'), /'quant.scale': the scale 0; expected/],
    ['a scale that is no number', scalar('FloatStorage', Float32Array.of(NaN))('quant.scale'), /the scale NaN/],
    ['a weight scale that underflows', withWeight({ quantizer: [1e-50, 0] }), /the scale 1e-50; expected/],
    [
      'a zero point of 256',
      scalar('LongStorage', BigInt64Array.of(256n))('quant.zero_point'),
      /is 256; expected 0 to 255/,
    ],
    [
      'a tensor behind the end of its storage',
      withWeight({ offset: 1 }),
      /is not a view of a torch.QInt8Storage of 64/,
    ],
    [
      'a tensor repeated by a stride of 0',
      withWeight({ shape: [2 ** 30, 1, 1, 1], strides: [0, 0, 0, 0] }),
      /is not a view/,
    ],
    ['a tensor without elements', withWeight({ shape: [0, 8, 1, 1] }), /is not a view/],
    ['ranks that differ', withWeight({ strides: [1] }), /rank 4 with 1 strides/],
    ['a negative size', withWeight({ shape: [-8, 8, 1, 1] }), /size is -8; expected a whole number/],
    [
      'a tensor on nothing',
      changed(() => ({ x: call(global('torch._utils', '_rebuild_tensor_v2')) })),
      /a tensor on nothing/,
    ],
    [
      'a parameter of nothing',
      changed(() => ({ x: call(global('torch._utils', '_rebuild_parameter')) })),
      /a parameter made of nothing/,
    ],
    [
      'a dict that hides its items',
      changed(() => ({ x: call(global('collections', 'OrderedDict'), list()) })),
      /OrderedDict made of/,
    ],
    [
      'a storage that is none',
      changed(() => ({ x: persistent(tuple(text('module'))) })),
      /a persistent id that is a sequence of 1/,
    ],
    [
      'a storage of dtypes',
      changed(() => ({
        x: persistent(tuple(text('storage'), global('torch', 'qint8'), text('0'), text('cpu'), int(1))),
      })),
      /a storage of type torch.qint8/,
    ],
    [
      'a pickled model',
      changed(() => ({ x: global('torchvision.models.mobilenetv2', 'MobileNetV2') })),
      /global 'torchvision.models.mobilenetv2.MobileNetV2' is refused/,
    ],
    [
      'a call of eval',
      changed(() => ({ x: call(global('builtins', 'eval'), text('1')) })),
      /global 'builtins.eval' is refused/,
    ],
  ])('with %s is invalid', (_, bytes, message) => {
    expect(() => readTorch(bytes)).toThrow(InvalidModelError);
    expect(() => readTorch(bytes)).toThrow(message);
  });
});

describe('what training scripts save', () => {
  it.each(['state_dict', 'model_state_dict', 'model'])('opens under the key %s, and from DataParallel', (key) => {
    const graph = readTorch(tinyMobileNetV2(new TorchFile(), { wrapper: { key, prefix: 'module.' } }));
    expect(graph.nodes).toEqual(readTorch(tinyMobileNetV2(new TorchFile())).nodes);
  });
});

describe('a container', () => {
  const state = (elements: number): Pickled =>
    dict([
      [
        'features.0.0.weight',
        call(
          global('torch._utils', '_rebuild_qtensor'),
          persistent(tuple(text('storage'), global('torch', 'QInt8Storage'), text('0'), text('cpu'), int(elements))),
          int(0),
          tuple(...[8, 3, 3, 3].map(int)),
          tuple(...[27, 9, 3, 1].map(int)),
          tuple(global('torch', 'per_tensor_affine'), [0x47, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0], int(0)),
        ),
      ],
    ]);
  const data = new Array<number>(216).fill(1);

  it('is told from other files', () => {
    expect(isTorch(zipSync({ 'input.npy': new Uint8Array(4) }))).toBe(false);
    expect(isTorch(new Uint8Array(0))).toBe(false);
    expect(isTorch(Uint8Array.of(0x50, 0x4b, 3, 4))).toBe(false);
    expect(isTorch(strToU8('not a model at all'))).toBe(false);
    expect(isTorch(pickle(int(1)))).toBe(false);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['without a pickle', zipSync({ 'm/version': strToU8('3') }, { level: 0 }), /without a data.pkl/],
    ['that is compressed', writeZip(pickle(state(216)), [data], 9), /'m\/data.pkl' is compressed/],
    ['without a storage', writeZip(pickle(state(216)), []), /storage '0'.*216 bytes expected, it is missing/],
    ['with a short storage', writeZip(pickle(state(216)), [data.slice(1)]), /216 bytes expected, 215 are there/],
    [
      'with a huge declared storage',
      writeZip(pickle(state(2 ** 31 - 1)), [data]),
      /2147483647 bytes expected, 216 are there/,
    ],
    ['of garbage', Uint8Array.of(0x50, 0x4b, 3, 4, ...new Array<number>(99).fill(7)), /truncated or damaged/],
  ])('%s is invalid', (_, bytes, message) => {
    expect(() => readTorch(bytes)).toThrow(InvalidModelError);
    expect(() => readTorch(bytes)).toThrow(message);
  });

  it('whose zip entries share their bytes is invalid', () => {
    // every entry of the central directory points to the first local header
    const bytes = writeZip(pickle(state(216)), [data, data, data]);
    const view = new DataView(bytes.buffer);
    let name = 0;
    for (let at = 0; at < bytes.length - 4; at++)
      if (view.getUint32(at, true) === 0x02014b50) {
        view.setUint32(at + 42, 0, true);
        view.setUint32(at + 20, 5000, true);
        view.setUint32(at + 24, 5000, true);
        name++;
      }
    expect(name).toBe(5);
    expect(() => readTorch(bytes)).toThrow(/is there twice or overlaps others/);
  });

  it('of a big-endian machine is not supported', () => {
    const entries = { 'm/data.pkl': pickle(state(216)), 'm/byteorder': strToU8('big') };
    expect(() => readTorch(zipSync(entries, { level: 0 }))).toThrow(UnsupportedModelError);
  });

  it('in the legacy format, with a count or a key that contradicts the pickle, is invalid', () => {
    const bytes = tinyMobileNetV2(new TorchFile(true));
    const last = bytes.slice();
    // the last storage is the 7 floats of the classifier's bias
    const count = last.length - 7 * 4 - 8;
    expect(last[count]).toBe(7);
    last[count] = 8;
    expect(() => readTorch(last)).toThrow(/holds 8 elements, not 7/);
    const file = new TorchFile(true);
    file.storages.push(new Float32Array(1));
    const more = tinyMobileNetV2(file);
    expect(() => readTorch(more)).toThrow(/'0' is not of any tensor/);
  });

  it('survives any damage: a graph, or an error of the project', () => {
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let refused = 0;
    for (const legacy of [false, true]) {
      const bytes = tinyMobileNetV2(new TorchFile(legacy));
      for (let i = 0; i < 150; i++) {
        const damaged = bytes.slice();
        for (let n = 0; n < 4; n++) damaged[random(damaged.length)] = random(256);
        try {
          readTorch(damaged);
        } catch (error) {
          if (!(error instanceof InvalidModelError || error instanceof UnsupportedModelError)) throw error;
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});

const models = [
  ['torchvision_mobilenet_v2_qnnpack', 'qnnpack', 'pytorch_qnnpack_trace_cat_720p'],
  ['torchvision_mobilenet_v2_qnnpack_legacy', 'qnnpack', 'pytorch_fbgemm_avx2_trace_cat_720p'],
  ['torchvision_mobilenet_v2_fbgemm', 'x86', 'pytorch_x86_trace_coffee'],
  ['torchvision_mobilenet_v2_fbgemm_full_range', 'x86', 'pytorch_fbgemm_full_range_trace_coffee'],
] as const;

describe.skipIf(!sharedAvailable).each(models)(`%s (needs ${shared})`, (model, engine, recording) => {
  const path = resolve(shared, `models/${model}.pth`);
  const bytes = existsSync(path) ? new Uint8Array(readFileSync(path)) : new Uint8Array(0);

  it('is torchvision, 1.0, 1000 classes', () => {
    expect(isTorch(bytes)).toBe(true);
    const graph = readTorch(bytes);
    expect(graph.engine).toBe(engine);
    expect(ops(graph)).toMatchObject({ Conv: 52, Add: 10, Gemm: 1 });
    expect(graph.constants.get('features.0.0.weight')!.shape).toEqual([32, 3, 3, 3]);
    expect(graph.constants.get('features.17.conv.1.0.weight')!.shape).toEqual([960, 1, 3, 3]);
    expect(graph.constants.get('features.18.0.weight')!.shape).toEqual([1280, 320, 1, 1]);
    expect(graph.constants.get('classifier.1.weight')!.shape).toEqual([1000, 1280]);
    const scales = engine === 'x86' ? 1000 : 1;
    expect(graph.constants.get('classifier.1.weight')!.quantization!.scale).toHaveLength(scales);
  });

  it('has the names and quantizations that PyTorch recorded', () => {
    const graph = readTorch(bytes);
    const recorded = readNpz(`goldens/${recording}.npz`);
    const names = [...recorded.keys()].filter((name) => recorded.has(`${name}:qparams`));
    expect(names).toHaveLength(65);
    expect([...graph.tensors.keys()].filter((name) => name !== 'adaptive_avg_pool2d').sort()).toEqual(names.sort());
    for (const name of names) {
      const { scale, zeroPoint } = graph.tensors.get(name)!.quantization!;
      expect([scale[0], zeroPoint[0]]).toEqual(Array.from(recorded.get(`${name}:qparams`)!.data));
    }
  });
});

describe.skipIf(!sharedAvailable)(`both formats (needs ${shared})`, () => {
  it('give the same graph', () => {
    const read = (name: string): Graph => readTorch(new Uint8Array(readFileSync(resolve(shared, 'models', name))));
    const zip = read('torchvision_mobilenet_v2_qnnpack.pth');
    const legacy = read('torchvision_mobilenet_v2_qnnpack_legacy.pth');
    expect(legacy.nodes).toEqual(zip.nodes);
    expect(legacy.tensors).toEqual(zip.tensors);
    for (const [name, constant] of zip.constants) {
      const other = legacy.constants.get(name)!;
      expect({ ...other, data: 0 }).toEqual({ ...constant, data: 0 });
      expect(Buffer.compare(new Uint8Array(other.data.buffer), new Uint8Array(constant.data.buffer))).toBe(0);
    }
  });
});
