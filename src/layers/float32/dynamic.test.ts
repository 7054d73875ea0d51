import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openNpz } from '../../../harness/numpy/npz.ts';
import { onnxruntime } from '../../engines/onnxruntime.ts';
import { readModel } from '../../formats/index.ts';
import type { Attributes, Graph, GraphNode } from '../../graph/graph.ts';
import { contextOf, operatorOf } from '../infer.ts';
import { stagesOf } from '../../plan/stages.ts';
import { referenceTensors } from '../../plan/reference.ts';
import { Tensor } from '../../tensor.ts';

const RECORDED = '../shared/goldens/dynamic';

/** Bits, of which any NaN is one. */
const bitsOf = (data: ArrayLike<number | bigint>): number[] =>
  data instanceof Float32Array
    ? Array.from(new Uint32Array(data.slice().buffer), (bits) => ((bits & 0x7fffffff) > 0x7f800000 ? -1 : bits))
    : Array.from(data, Number);

describe.skipIf(!existsSync(RECORDED))(
  'dynamically quantized models recorded from onnxruntime-web, in ../shared',
  () => {
    const models = existsSync(RECORDED) ? readdirSync(RECORDED).filter((file) => file.endsWith('.onnx')) : [];
    it.each(models)('%s: every tensor', (file) => {
      const recorded = openNpz(readFileSync(`${RECORDED}/${file.replace('.onnx', '.npz')}`));
      const { typed, settings } = stagesOf(readModel(readFileSync(`${RECORDED}/${file}`)), { engine: onnxruntime });
      let compared = 0;
      const wrong: string[] = [];
      for (let run = 0; recorded.names.includes(`${run}/x`); run++) {
        const x = recorded.read(`${run}/x`);
        const feeds = { x: new Tensor('float32', x.data as Float32Array, x.shape) };
        for (const { name, data } of referenceTensors({ graph: typed, engine: settings.engine }, feeds)) {
          if (!recorded.names.includes(`${run}/${name}`)) continue;
          compared++;
          const [got, wanted] = [bitsOf(data), bitsOf(recorded.read(`${run}/${name}`).data as Float32Array)];
          const count = wanted.filter((v, i) => v !== got[i]).length;
          if (count > 0 || got.length !== wanted.length) wrong.push(`${run}/${name}: ${count} of ${wanted.length}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(compared).toBeGreaterThan(10);
    });
  },
);

describe.skipIf(!existsSync(RECORDED))('float32 operators recorded from onnxruntime-web, in ../shared', () => {
  const { names, read } = existsSync(RECORDED)
    ? openNpz(readFileSync(`${RECORDED}/ops.npz`))
    : { names: [], read: () => undefined as never };
  const numbered = (prefix: string): string[] =>
    names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
  const floats = (name: string): Float32Array => read(name).data as Float32Array;

  /** An operator of one tensor, by itself. */
  function evaluate(op: string, x: string, attributes: Attributes = {}): Float32Array {
    const { shape } = read(x);
    const graph: Graph = {
      ...{ name: op, format: 'onnx', engine: 'onnxruntime', outputs: ['y'] },
      nodes: [{ name: op, op, inputs: ['x'], outputs: ['y'], attributes }],
      inputs: [{ name: 'x', type: 'float32', shape }],
      ...{ constants: new Map(), tensors: new Map() },
    };
    const { typed } = stagesOf(graph, { engine: onnxruntime });
    const node = typed.nodes[0]!;
    const context = contextOf(typed, typed.tensors, onnxruntime);
    return operatorOf(node).reference(node, context, () => floats(x)).data as Float32Array;
  }
  /** What a graph of nodes makes of x, whose operands are constants or each other's outputs; y is the last. */
  function evaluateAll(x: string, constants: Readonly<Record<string, string | number>>, nodes: readonly GraphNode[]) {
    const graph: Graph = {
      ...{ name: x, format: 'onnx', engine: 'onnxruntime', outputs: ['y'], nodes, tensors: new Map() },
      inputs: [{ name: 'x', type: 'float32', shape: read(x).shape }],
      constants: new Map(
        Object.entries(constants).map(([name, value]) => {
          const [data, shape] =
            typeof value === 'number' ? [Float32Array.of(value), []] : [floats(value), read(value).shape];
          return [name, { name, type: 'float32', shape, data }];
        }),
      ),
    };
    const { typed, settings } = stagesOf(graph, { engine: onnxruntime });
    // a feed with NaN is refused
    const numbers = floats(x).map((v) => (Number.isNaN(v) ? 0 : v));
    const feeds = { x: new Tensor('float32', numbers, read(x).shape) };
    const tensors = [...referenceTensors({ graph: typed, engine: settings.engine }, feeds)];
    const y = tensors.find(({ name }) => name === 'y')!.data as Float32Array;
    return y.length === numbers.length ? y.map((v, i) => (Number.isNaN(floats(x)[i]) ? NaN : v)) : y;
  }
  const node = (op: string, inputs: string[], output: string, attributes: Attributes = {}): GraphNode => ({
    ...{ name: output, op, inputs, outputs: [output], attributes },
  });
  const expectSame = (got: Float32Array, wanted: string, what = wanted): void =>
    expect(bitsOf(got), what).toEqual(bitsOf(floats(wanted)));

  it.each([
    ['relu', 'Relu', {}],
    ['sigmoid', 'Sigmoid', {}],
    ['tanh', 'Tanh', {}],
    ['erf', 'Erf', {}],
    ['sqrt', 'Sqrt', {}],
    ['exp', 'Exp', {}],
    ['hardsigmoid', 'HardSigmoid', {}],
    ['hardswish', 'HardSwish', {}],
    ['leakyrelu', 'LeakyRelu', { alpha: 0.1 }],
  ] as const)('%s', (name, op, attributes) => expectSame(evaluate(op, 'x', attributes), name));
  it('Pow, SiLU, GELU', () => {
    expectSame(evaluateAll('x', { two: 2 }, [node('Pow', ['x', 'two'], 'y')]), 'pow2');
    expectSame(evaluateAll('x', {}, [node('Sigmoid', ['x'], 's'), node('Mul', ['x', 's'], 'y')]), 'silu');
    const gelu = [
      ...[node('Div', ['x', 'root'], 'd'), node('Erf', ['d'], 'e'), node('Add', ['e', 'one'], 'a')],
      ...[node('Mul', ['x', 'a'], 'm'), node('Mul', ['m', 'half'], 'y')],
    ];
    expectSame(evaluateAll('x', { root: Math.SQRT2, one: 1, half: 0.5 }, gelu), 'gelu_pattern');
  });
  it('Conv, MatMul and Gemm', () => {
    for (const i of numbered('cvf_x')) {
      const [stride, pad, group] = Array.from(read(`cvf_a${i}`).data, Number) as [number, number, number];
      const attributes = { strides: [stride, stride], pads: [pad, pad, pad, pad], group };
      const conv = node('Conv', ['x', 'w', 'b'], 'y', attributes);
      expectSame(evaluateAll(`cvf_x${i}`, { w: `cvf_w${i}`, b: `cvf_b${i}` }, [conv]), `cvf_y${i}`);
    }
    const products = numbered('mmf_a').filter((i) => Number(read(`mmf_f${i}`).data[0]) === 1);
    for (const i of products) {
      const isBiased = Number(read(`mmf_f${i}`).data[1]) === 1;
      const constants = { w: `mmf_b${i}`, ...(isBiased && { b: `mmf_c${i}` }) };
      const product = isBiased ? node('Gemm', ['x', 'w', 'b'], 'y') : node('MatMul', ['x', 'w'], 'y');
      expectSame(evaluateAll(`mmf_a${i}`, constants, [product]), `mmf_y${i}`);
    }
    expect(products.length * numbered('cvf_x').length).toBeGreaterThan(8);
  });
  it('Softmax', () => {
    for (const i of numbered('softmax_x')) expectSame(evaluate('Softmax', `softmax_x${i}`), `softmax_y${i}`);
  });
  it('pools', () => {
    for (const i of numbered('gap_x')) {
      expectSame(evaluate('GlobalAveragePool', `gap_x${i}`), `gap_y${i}`);
      expectSame(evaluate('ReduceMean', `gap_x${i}`, { axes: [2, 3] }), `mean_y${i}`);
    }
    for (const [kind, op] of [
      ['avg', 'AveragePool'],
      ['max', 'MaxPool'],
    ] as const)
      for (const i of numbered(`${kind}_x`)) {
        const list = Array.from(read(`${kind}_a${i}`).data, Number);
        const [kernel_shape, strides, pads] = [list.slice(0, 2), list.slice(2, 4), list.slice(4, 8)];
        const [count_include_pad = 0, opset = 17] = list.slice(8);
        const attributes = { kernel_shape, strides, pads, count_include_pad, opset };
        expectSame(evaluate(op, `${kind}_x${i}`, attributes), `${kind}_y${i}`);
      }
  });
  it('DynamicQuantizeLinear', () => {
    const { range, scale, zeroPoint, quantize } = onnxruntime.float32!;
    for (const i of numbered('dql_x')) {
      const x = floats(`dql_x${i}`);
      const ends = range(x);
      const s = scale(...ends);
      const z = zeroPoint(ends[0], s);
      expect(bitsOf(Float32Array.of(s)), i).toEqual(bitsOf(floats(`dql_s${i}`)));
      expect(z, i).toBe(read(`dql_z${i}`).data[0]);
      expect(Array.from(x, quantize(s, z)), i).toEqual(Array.from(read(`dql_y${i}`).data as Uint8Array));
    }
    expect(numbered('dql_x').length).toBeGreaterThan(70);
  });
});
