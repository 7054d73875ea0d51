import { describe, expect, it } from 'vitest';
import { matchRecorded, recordedQuantizations, renamed, type Hints } from './match_trace.ts';
import { nearestNames } from './nearest_names.ts';
import type { NpyArray } from '../numpy/npy.ts';
import type { TensorInfo } from '../../src/graph/graph.ts';

const quantization = { scale: Float32Array.of(0.25), zeroPoint: Int32Array.of(10) };
const tensor = (name: string, shape: number[], type: TensorInfo['type'] = 'uint8'): TensorInfo => ({
  ...{ name, type, shape },
  ...(type === 'float32' ? {} : { quantization }),
});
/** [1, 2, 1, 3]: NCHW and NHWC differ. */
const CODES = Uint8Array.of(0, 1, 2, 253, 254, 255);
const [X, A, B] = [
  tensor('x', [1, 1, 2, 2]),
  tensor('features.0.0', [1, 2, 1, 3]),
  tensor('features.0.1', [1, 2, 1, 4]),
];
const INFOS = [X, A, B];

function match(
  arrays: Record<string, NpyArray['data'] | NpyArray>,
  hints: Hints = {},
  infos: readonly TensorInfo[] = INFOS,
) {
  const npz = {
    names: Object.keys(arrays),
    read(name: string): NpyArray {
      const array = arrays[name]!;
      return 'shape' in array ? array : { shape: [1, 2, 1, 3], data: array };
    },
  };
  return matchRecorded(npz, infos, 'f.npz', undefined, hints);
}
const valuesOf = (recorded: ReturnType<typeof match>): number[] =>
  Array.from(recorded.tensors.get('features.0.0') as Uint8Array);

describe('where all dimensions are alike', () => {
  const cube = tensor('cube', [1, 2, 2, 2]);
  const data = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7);
  const read = (meta: object): number[] => {
    const arrays: Record<string, NpyArray> = {
      cube: { shape: [1, 2, 2, 2], data },
      meta: { shape: [1], data: new TextEncoder().encode(JSON.stringify(meta)) },
    };
    const npz = { names: Object.keys(arrays), read: (name: string) => arrays[name]! };
    return [...(matchRecorded(npz, [cube], 'f.npz', 'NHWC').tensors.get('cube') as Uint8Array)];
  };

  it('the layout is what the file says, else the model’s', () => {
    const last = [0, 2, 4, 6, 1, 3, 5, 7];
    expect([read({}), read({ layout: 'NHWC' }), read({ layout: 'NCHW' })]).toEqual([last, last, [...data]]);
  });
});

describe('names', () => {
  it.each(['features.0.0', 'features_0_0', 'module.features.0.0', 'model.module.Features-0-0', 'output:features.0.0'])(
    '%s',
    (name) => {
      expect(valuesOf(match({ [name]: CODES, 'features.0.1': { shape: [8], data: new Uint8Array(8) } }))).toEqual([
        ...CODES,
      ]);
    },
  );

  it('a single array is the one tensor of as many elements, or what --layer says', () => {
    expect(valuesOf(match({ whatever: CODES }))).toEqual([...CODES]);
    const infos = [...INFOS, tensor('other', [1, 2, 1, 3])];
    expect(() => match({ whatever: CODES }, {}, infos)).toThrow(/features.0.0, other: say --layer/);
    expect(valuesOf(match({ whatever: CODES }, { layer: 'features.0.0' }, infos))).toEqual([...CODES]);
  });

  it('numbers are counted where the elements fit, and asked for where several do', () => {
    const layers = { layer0: CODES, layer1: { shape: [1, 2, 1, 4], data: new Uint8Array(8) } };
    const numbered = [{ of: 'all layers', tensors: [A, B] }];
    const { tensors, notes } = match(layers, { numbered });
    expect([...tensors.keys()]).toEqual(['features.0.0', 'features.0.1']);
    expect(notes[0]).toBe("'layer0' is 'features.0.0': all layers, counted from 0");
    const alike = [A, tensor('features.0.1', [1, 2, 1, 3]), tensor('features.0.2', [1, 2, 1, 3])];
    const two = { layer1: CODES, layer2: CODES };
    expect(() => match(two, { numbered: [{ of: 'all layers', tensors: alike }] }, alike)).toThrow(
      /'layer1' can be 'features.0.1' .* or 'features.0.0'/,
    );
  });

  it.each([
    ['/layer1/layer1.0/conv1/QuantizeLinear_output_0', 'layer1.0.conv1'],
    ['/features/0/0/QuantizeLinear_output_0', 'features.0.0'],
    ['/fc/QuantizeLinear_output_0', 'model.fc'],
  ])('what torch.onnx.export calls %s is %s', (name, array) => {
    const recorded = match({ [array]: CODES, other: CODES }, {}, [tensor(name, [1, 2, 1, 3])]);
    expect([recorded.notes, recorded.unknown]).toEqual([[`${name}: named '${array}'`], ['other']]);
  });

  it('between those that names tell, order and elements tell, where there is one way', () => {
    const infos = ['in', 'a', 'relu', 'wide', 'b', 'c'].map((name) =>
      tensor(name, name === 'wide' ? [1, 2, 1, 4] : [1, 2, 1, 3], name === 'in' ? 'float32' : 'uint8'),
    );
    const wide = { shape: [1, 2, 1, 4], data: new Uint8Array(8) };
    const tensorsOf = (arrays: Record<string, NpyArray['data'] | NpyArray>): object => {
      const { notes, unknown } = match(arrays, {}, infos);
      return { notes, unknown };
    };
    // 'relu' or 'a': not the only way, so neither
    expect(tensorsOf({ x: Float32Array.from(CODES, (v) => v + 0.5), cat: wide, b: CODES, one: CODES })).toEqual({
      notes: ["in: named 'x'", "wide: named 'cat'", "c: named 'one'"],
      unknown: [],
    });
    expect(tensorsOf({ one: CODES, b: CODES })).toEqual({ notes: [], unknown: ['one'] });
    // in another order than the network's, names alone tell
    expect(tensorsOf({ b: CODES, cat: wide, a: CODES })).toEqual({ notes: [], unknown: ['cat'] });
    expect(tensorsOf({ a: CODES, three: CODES, c: CODES })).toEqual({ notes: [], unknown: ['three'] });
  });

  it('other names are given to arrays, and to what describes them', () => {
    const arrays: Record<string, NpyArray> = {
      x: { shape: [1, 2, 1, 3], data: CODES },
      'x:qparams': { shape: [2], data: Float64Array.of(0.5, 3) },
    };
    const npz = renamed(
      { names: Object.keys(arrays), read: (name) => arrays[name]! },
      new Map([['x', 'features.0.0']]),
    );
    expect([...matchRecorded(npz, INFOS, 't.npz').tensors.keys()]).toEqual(['features.0.0']);
    expect(recordedQuantizations(npz, INFOS).get('features.0.0')).toEqual({ scale: 0.5, zeroPoint: 3 });
  });

  it('what is unknown gets the three nearest', () => {
    expect(() => match({ 'feature.0.0': CODES, b: CODES })).toThrow(/nearest to 'feature.0.0' are 'features.0.0'/);
    expect(nearestNames('conv11', ['conv1', 'bn', 'conv12', 'conv2', 'fc'])).toBe("'conv1', 'conv12', 'conv2'");
  });
});

describe('values', () => {
  const about = (): Uint8Array => CODES;

  it.each([
    ['float64', Float64Array.from(CODES)],
    ['uint16', Uint16Array.from(CODES)],
    ['uint64', BigUint64Array.from(CODES, BigInt)],
    ['flat', { shape: [6], data: CODES }],
    ['flat NHWC', { shape: [6], data: Uint8Array.of(0, 253, 1, 254, 2, 255) }],
    ['int8, less 128', Int8Array.from(CODES, (v) => v - 128)],
    ['uint8 in the bits of int8', new Int8Array(CODES.buffer)],
    ['uint8 less 128 in a wider type', Int32Array.from(CODES, (v) => v - 128)],
    ['dequantized', Float32Array.from(CODES, (v) => (v - 10) * 0.25)],
  ] as const)('%s', (_, array) => {
    expect(valuesOf(match({ 'features.0.0': array }, { about }))).toEqual([...CODES]);
  });

  it('what is not clamped is kept beside what was clamped, and said', () => {
    const { tensors, unclamped, notes } = match(
      { 'features.0.0': Float64Array.of(-131, 1, 2, 253, 254, 300) },
      { about },
    );
    expect([...(tensors.get('features.0.0') as Uint8Array)]).toEqual([0, 1, 2, 253, 254, 255]);
    expect(unclamped.get('features.0.0')).toEqual(Int32Array.of(-131, 1, 2, 253, 254, 300));
    expect(notes).toEqual([
      'features.0.0: 2 of 6 values are no uint8, from -131 to 300: not clamped, so clamped at the end',
    ]);
  });

  it.each([
    ['NaN', Float32Array.of(1, 2, NaN, 4, 5, NaN), /2 of 6 values that are no numbers \(NaN, the first at element 2\)/],
    [
      'not rounded',
      Float64Array.of(1, 2, 3, 4.4, 5, 6),
      /1 of 6 values that are no integers, as 4.4, nor multiples of the scale 0.25/,
    ],
    ['of another size', { shape: [7], data: new Uint8Array(7) }, /is Uint8 \[7\]; expected uint8 \[1, 2, 1, 3\]/],
  ] as const)('%s: said', (_, array, message) => {
    expect(() => match({ 'features.0.0': array })).toThrow(message);
  });

  it('a trace, which is the reference, is taken as it is or not at all', () => {
    const npz = {
      names: ['features.0.0'],
      read: () => ({ shape: [1, 2, 1, 3], data: Int8Array.from(CODES, (v) => v - 128) }),
    };
    expect(() => matchRecorded(npz, INFOS, 't.npz')).toThrow(/values that are no uint8/);
  });
});
