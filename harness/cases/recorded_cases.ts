import { InvalidInputError, UnsupportedModelError } from '../../src/errors.ts';
import {
  ELEMENT_TYPES,
  elementCount,
  newElementData,
  type Constant,
  type ElementData,
  type Quantization,
  type TensorInfo,
} from '../../src/graph/graph.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { readModel } from '../../src/formats/index.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { stagesOf } from '../../src/plan/stages.ts';
import { Tensor } from '../../src/tensor.ts';
import type { NpyArray } from '../numpy/npy.ts';
import type { Npz } from '../numpy/npz.ts';
import { bitsOf, firstDifference } from '../compare/bits.ts';
import type { Case } from './case.ts';
import { graphOf } from './draw.ts';

/** An operator case that a real engine was recorded on, and what it gave. */
export interface RecordedCase extends Omit<Case, 'form'> {
  readonly expected: ElementData;
}

/** As it was given to the engine. */
const whole = (scale: number, zeroPoint: number): Quantization => ({
  scale: Float64Array.of(scale),
  zeroPoint: Int32Array.of(zeroPoint),
});

/** One of a case's arrays, of one of the given types. */
function typed<T extends NpyArray['data']>(
  npz: Npz,
  name: string,
  ...types: readonly (new (length: number) => T)[]
): { data: T; shape: readonly number[] } {
  const { data, shape } = npz.read(name);
  if (!types.some((type) => data instanceof type))
    throw new InvalidInputError(
      `'${name}' is ${data.constructor.name}; expected ${types.map(({ name }) => name).join(' or ')}`,
    );
  return { data: data as T, shape };
}

function parameters(npz: Npz, case_: string, names: readonly string[], optional = 0): Record<string, number> {
  const { data } = npz.read(`${case_}:params`);
  if (data.length > names.length || data.length < names.length - optional)
    throw new InvalidInputError(`'${case_}:params' has ${data.length} values; expected ${names.join(', ')}`);
  return Object.fromEntries(names.map((name, i) => [name, Number(data[i] ?? 0)]));
}

/** x u8 NCHW, its pixels averaged; scale and zero point stay. */
function pool(npz: Npz, id: string, engine: string): RecordedCase {
  const p = parameters(npz, id, ['sx', 'zx']);
  const x = typed(npz, `${id}:x`, Uint8Array);
  const quantization = whole(p['sx']!, p['zx']!);
  return {
    id,
    description: `GlobalAveragePool ${x.shape.join('x')}`,
    graph: graphOf(engine, 'GlobalAveragePool', [{ name: 'x', type: 'uint8', shape: x.shape, quantization }], {
      name: 'y',
      type: 'uint8',
      quantization,
    }),
    feeds: { x: new Tensor('uint8', x.data, x.shape) },
    expected: typed(npz, `${id}:y`, Uint8Array).data,
  };
}

/** Linear layers are recorded as convolutions of one pixel. */
const asRows = ({ shape }: { readonly shape: readonly number[] }): number[] => [
  shape[0]!,
  elementCount(shape) / shape[0]!,
];

/** x u8 NCHW, w i8 OIHW, b f32 or i32 (of scale sx * sw), sw f32 (1 or O), y u8; one stride and one padding for both dimensions. */
function convolution(npz: Npz, id: string, engine: string): RecordedCase {
  const p = parameters(npz, id, ['sx', 'zx', 'sy', 'zy', 'stride', 'padding', 'groups', 'relu', 'perChannel']);
  const x = typed(npz, `${id}:x`, Uint8Array);
  const w = typed(npz, `${id}:w`, Int8Array);
  const b = typed<Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(npz, `${id}:b`, Float32Array, Int32Array);
  const scale = typed(npz, `${id}:sw`, Float32Array).data;
  const y = typed(npz, `${id}:y`, Uint8Array);
  const weight: Constant = {
    name: 'w',
    type: 'int8',
    shape: w.shape,
    data: w.data,
    quantization: { scale, zeroPoint: new Int32Array(scale.length), ...(p['perChannel'] ? { axis: 0 } : {}) },
  };
  const type = b.data instanceof Int32Array ? 'int32' : 'float32';
  const bias: Constant = { name: 'b', type, shape: b.shape, data: b.data };
  const { stride, padding } = p as { stride: number; padding: number };
  if (npz.text(`${id}:op`) === 'linear')
    return {
      id,
      description: `Gemm ${asRows(x).join('x')}, weights ${asRows(w).join('x')}`,
      graph: graphOf(
        engine,
        'Gemm',
        [{ name: 'x', type: 'uint8', shape: asRows(x), quantization: whole(p['sx']!, p['zx']!) }],
        { name: 'y', type: 'uint8', quantization: whole(p['sy']!, p['zy']!) },
        [{ ...weight, shape: asRows(w) }, bias],
        { transB: 1, ...(p['relu'] ? { relu: 1 } : {}) },
      ),
      feeds: { x: new Tensor('uint8', x.data, asRows(x)) },
      expected: y.data,
    };
  return {
    id,
    description: `Conv ${x.shape.join('x')}, weights ${w.shape.join('x')}, stride ${stride}, padding ${padding}, groups ${p['groups']}`,
    graph: graphOf(
      engine,
      'Conv',
      [{ name: 'x', type: 'uint8', shape: x.shape, quantization: whole(p['sx']!, p['zx']!) }],
      { name: 'y', type: 'uint8', quantization: whole(p['sy']!, p['zy']!) },
      [weight, bias],
      {
        strides: [stride, stride],
        pads: [padding, padding, padding, padding],
        group: p['groups']!,
        ...(p['relu'] ? { relu: 1 } : {}),
      },
    ),
    feeds: { x: new Tensor('uint8', x.data, x.shape) },
    expected: y.data,
  };
}

/** a, b, y u8, in memory order. */
function pair(npz: Npz, id: string, engine: string, op: 'Add' | 'Mul'): RecordedCase {
  const p = parameters(npz, id, ['sa', 'za', 'sb', 'zb', 'sy', 'zy', 'relu'], 1);
  const [a, b, y] = ['a', 'b', 'y'].map((name) => typed(npz, `${id}:${name}`, Uint8Array).data) as [
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
  ];
  const shape = [1, y.length];
  const input = (name: 'a' | 'b'): TensorInfo => ({
    name,
    type: 'uint8',
    shape,
    quantization: whole(p[`s${name}`]!, p[`z${name}`]!),
  });
  return {
    id,
    description: `${op} of ${y.length} elements${p['relu'] ? ', ReLU' : ''}`,
    graph: graphOf(
      engine,
      op,
      [input('a'), input('b')],
      { name: 'y', type: 'uint8', quantization: whole(p['sy']!, p['zy']!) },
      [],
      p['relu'] ? { relu: 1 } : {},
    ),
    feeds: { a: new Tensor('uint8', a, shape), b: new Tensor('uint8', b, shape) },
    expected: y,
  };
}

/** A whole model of one operator; what does not take its file refuses it when its graph is asked for. */
function model(npz: Npz, id: string, engine: string, output: string): RecordedCase {
  const { data: bytes } = typed(npz, `${id}:model`, Uint8Array);
  const start = `${id}:in:`;
  const feeds = npz.names
    .filter((name) => name.startsWith(start))
    .map((name) => {
      const { data, shape } = npz.read(name);
      const type = ELEMENT_TYPES.find((type) => data.constructor === newElementData(type, 0).constructor)!;
      return [name.slice(start.length), new Tensor(type, data as never, shape)] as const;
    });
  return {
    id,
    description: npz.text(`${id}:name`) ?? id,
    get graph() {
      return { ...readModel(bytes), engine };
    },
    feeds: Object.fromEntries(feeds),
    expected: npz.read(npz.names.includes(`${id}:${output}`) ? `${id}:${output}` : `${id}:y`).data as ElementData,
  };
}

/**
 * Operator cases recorded from a real engine: `<i>:x w b sw y params` (convolutions, params = sx, zx, sy, zy,
 * stride, padding, groups, relu, per channel), `<i>:a b y params` (adds, params = sa, za, sb, zb, sy, zy, relu),
 * `<i>:x y params` (averages of all pixels, params = sx, zx) or `<i>:model y`, `<i>:in:<input>` and `<i>:name` (ONNX files).
 * `<i>:op`, where it is there, tells 'mul' from 'add', and 'linear' layers (with one pixel) from convolutions.
 *
 * @param output what is expected of a model, where the file has it; otherwise its `y`
 * @throws InvalidInputError where the file holds something else
 */
export function recordedCases(npz: Npz, engine: string, output = 'y'): RecordedCase[] {
  const ids = [...new Set(npz.names.map((name) => name.split(':')[0]!))].sort((a, b) => Number(a) - Number(b));
  return ids.map((id) => {
    if (npz.names.includes(`${id}:model`)) return model(npz, id, engine, output);
    if (npz.names.includes(`${id}:w`)) return convolution(npz, id, engine);
    if (npz.names.includes(`${id}:x`)) return pool(npz, id, engine);
    if (npz.names.includes(`${id}:a`)) return pair(npz, id, engine, npz.text(`${id}:op`) === 'mul' ? 'Mul' : 'Add');
    throw new InvalidInputError(
      `case '${id}' has none of '${id}:x' (a convolution, a pool), '${id}:a' (an add, a product) and '${id}:model'`,
    );
  });
}

/** What became of recorded cases: elements that are given otherwise, and how many cases are refused by name. */
export interface RecordedResult {
  readonly mismatches: number;
  readonly refused: number;
}

/** Cases by what gives an output of each. */
export async function compareRecorded(
  cases: readonly RecordedCase[],
  outputOf: (test: RecordedCase) => Tensor | Promise<Tensor>,
): Promise<RecordedResult> {
  let [mismatches, refused] = [0, 0];
  for (const test of cases)
    try {
      mismatches += firstDifference(bitsOf((await outputOf(test)).data), bitsOf(test.expected)).count;
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      refused++;
    }
  return { mismatches, refused };
}

/** Recorded cases on the host. */
export const compareRecordedOnHost = (cases: readonly RecordedCase[], engine: Engine): Promise<RecordedResult> =>
  compareRecorded(cases, ({ graph, feeds }) => {
    const { typed } = stagesOf(graph, { engine });
    return Object.values(referenceTrace({ graph: typed, engine }, feeds).outputs)[0]!;
  });
