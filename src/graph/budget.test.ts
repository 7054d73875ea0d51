import { findEngine } from '../engines/index.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeOnnx, type OnnxModel, type OnnxNode, type OnnxTensor } from '../../models/onnx_writer.ts';
import { InvalidModelError, UnsupportedModelError } from '../errors.ts';
import { readModel } from '../formats/index.ts';
import { createPlan } from '../plan/plan.ts';
import { referenceTrace } from '../plan/reference.ts';
import { fuseOperatorsOf } from '../rewrite/onnxruntime/fusion.ts';
import { Tensor } from '../tensor.ts';
import { FORMATS } from '../../tests/soak/formats/index.ts';
import { herdOf, judge, mutantOf } from '../../tests/soak/mutants.ts';

const MOST_MS = 2_000;

const node = (op: string, inputs: string, output: string, attributes: OnnxNode['attributes'] = {}): OnnxNode => ({
  name: `n_${output}`,
  op,
  domain: '',
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
});

const int64 = (name: string, ...values: number[]): OnnxTensor => ({
  name,
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

const SCALE: readonly OnnxTensor[] = [
  { name: 's', dims: [], data: Float32Array.of(0.5) },
  { name: 'z', dims: [], data: Uint8Array.of(3) },
];

/** From x, quantized to q, by some nodes to y. */
const model = (
  nodes: readonly OnnxNode[],
  constants: readonly OnnxTensor[] = [],
  dims: readonly number[] = [1, 4, 4, 4],
  parts: Partial<OnnxModel> = {},
): Uint8Array =>
  writeOnnx({
    name: 'large',
    description: '',
    inputs: [{ name: 'x', type: 'float32', dims }],
    outputs: [{ name: 'y', type: 'float32' }],
    nodes: [node('QuantizeLinear', 'x s z', 'q'), ...nodes],
    constants: [...SCALE, ...constants],
    ...parts,
  });

const real = (from: string): OnnxNode => node('DequantizeLinear', `${from} s z`, 'y');

/** Refused within two seconds, in a short message. */
function refusal(bytes: Uint8Array, engine = 'onnxruntime'): string {
  const before = performance.now();
  let message = 'accepted';
  try {
    createPlan(readModel(bytes), { engine });
  } catch (error) {
    if (!(error instanceof UnsupportedModelError || error instanceof InvalidModelError)) throw error;
    message = error.message;
  }
  expect(performance.now() - before).toBeLessThan(MOST_MS);
  expect(message.length).toBeLessThan(2_000);
  return message;
}

const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

describe('a model that asks for more than there can be is refused at once', () => {
  it.each([
    [
      'a Pad by hundreds of millions',
      () => model([node('Pad', 'q pads', 'p'), real('p')], [int64('pads', 0, 671_088_642, 0, 0, 0, 0, 0, 0)]),
      "node 'n_p' (Pad): its output has shape [1, 671088646, 4, 4]; supported: up to",
    ],
    [
      'a Resize by a thousand million',
      () =>
        model(
          [node('Resize', 'q  by', 'r'), real('r')],
          [{ name: 'by', dims: [4], data: Float32Array.of(1, 1, 1e9, 1) }],
        ),
      "node 'n_r' (Resize): its output has shape [1, 4, 4000000000, 4]; supported: up to",
    ],
    [
      'an input of 2^62 elements',
      () => model([real('q')], [], [1, 2 ** 31, 2 ** 31, 1]),
      "graph input 'x' has shape [1, 2147483648, 2147483648, 1]; supported: up to",
    ],
    [
      'weights of two thousand million rows that hold nothing',
      () => model([node('MatMul', 'q w', 'm'), real('m')], [{ name: 'w', dims: [2e9, 0], data: new Uint8Array(0) }]),
      "tensor 'w' has shape [2000000000, 0]; supported: up to",
    ],
    [
      'weights of 20,000 matrices',
      () =>
        model(
          [{ ...node('QLinearMatMul', 'q s z w s z s z', 'm') }, real('m')],
          [{ name: 'w', dims: [20_000, 1, 1], data: new Uint8Array(20_000) }],
        ),
      "node 'n_m' (QLinearMatMul): 20000 matrices of weights; supported: up to 256",
    ],
    [
      'a tensor with 60,000 consumers',
      () => model([...many(60_000, (i) => node('Relu', 'q', `r${i}`)), real('q')]),
      'the model has 60002 nodes; supported: up to 16384',
    ],
    [
      'an average of 2^24 elements',
      () => model([node('DequantizeLinear', 'q s z', 'd'), node('GlobalAveragePool', 'd', 'a'), node('QuantizeLinear', 'a s z', 'aq'), real('aq')], [], [1, 1, 4096, 4096]), // prettier-ignore
      'an average of 16777216 elements; supported: up to 8388608',
    ],
    [
      'a Gather that lists more places than there are',
      () =>
        model(
          [node('Gather', 'q i', 'g', { axis: 1 }), real('g')],
          [{ name: 'i', dims: [2, 3000], data: new BigInt64Array(6000) }],
          [1, 4, 100, 100],
        ),
      "node 'n_g' (Gather): it moves 60000000 elements one by one; supported: up to",
    ],
    [
      'shapes that double and double',
      () =>
        model([
          node('Shape', 'q', 'c0'),
          ...many(40, (i) => node('Concat', `c${i} c${i}`, `c${i + 1}`, { axis: 0 })),
          node('Reshape', 'q c40', 'p'),
          real('p'),
        ]),
      '(Concat): a shape of 131072 values; supported: up to 65536',
    ],
    [
      'a tensor of a hundred dimensions',
      () => model([node('Reshape', 'q shape', 'p'), real('p')], [int64('shape', ...many(100, () => 1))]),
      "node 'n_p' (Reshape): 100 dimensions; supported: up to 8",
    ],
  ])('%s', (_, make, message) => {
    expect(refusal(make())).toContain(message);
  });

  it('names of a megabyte are cut', () => {
    const name = 'n'.repeat(1 << 20);
    expect(refusal(model([node('Add', `q ${name}`, 'y')]))).toMatch(/uses 'n+\.\.\.n+', which is no input/);
  });
});

describe('many nodes are no more than many', () => {
  it('thousands of consumers of one tensor, and a chain of thousands', { timeout: 20_000 }, () => {
    const before = performance.now();
    createPlan(readModel(model([...many(8_000, (i) => node('Identity', 'q', `i${i}`)), real('q')])));
    const chain = many(6_000, (i) => node('Relu', i === 0 ? 'd' : `r${i - 1}`, `r${i}`));
    const quantized = [
      node('DequantizeLinear', 'q s z', 'd'),
      ...chain,
      node('QuantizeLinear', 'r5999 s z', 'e'),
      real('e'),
    ];
    expect(refusal(model(quantized), 'onnxruntime-x64')).toContain('(Relu)');
    expect(performance.now() - before).toBeLessThan(2 * MOST_MS);
  });

  it('thousands of moves before a float output that a QuantizeLinear is behind', { timeout: 20_000 }, () => {
    const moves = many(16_000, (i) => node('Reshape', `${i === 0 ? 'f' : `m${i - 1}`} shape`, `m${i}`));
    const nodes = [...moves, node('Transpose', 'm15999', 't', { perm: [0, 1, 3, 2] })];
    const end = [node('QuantizeLinear', 't s z', 'e'), real('e')];
    const float = [node('DequantizeLinear', 'q s z', 'd'), node('Relu', 'd', 'f')];
    const outputs = ['y', 'm15999'].map((name) => ({ name, type: 'float32' as const }));
    const bytes = model([...float, ...nodes, ...end], [int64('shape', 1, 4, 4, 4)], [1, 4, 4, 4], { outputs });
    expect(fuseOperatorsOf(readModel(bytes), { int8: false }, findEngine('onnxruntime')).nodes.length).toBeGreaterThan(
      16_000,
    );
  });

  it('sums of themselves, which double at each of a hundred', () => {
    const sums = many(100, (i) => node('Add', i === 0 ? 'd d' : `a${i - 1} a${i - 1}`, `a${i}`));
    refusal(
      model([node('DequantizeLinear', 'q s z', 'd'), ...sums, node('QuantizeLinear', 'a99 s z', 'e'), real('e')]),
    );
  });
});

describe('what follows from constants', () => {
  it('is computed when a model is planned, by the arithmetic of the engine', () => {
    const k: OnnxTensor = { name: 'k', dims: [1, 4, 4, 4], data: Float32Array.from({ length: 64 }, (_, i) => i / 3) };
    // a Dropout, a QuantizeLinear and a Transpose of a constant, added to the input in float
    const nodes = [
      node('Dropout', 'k', 'kd'),
      node('QuantizeLinear', 'kd s z', 'kq'),
      node('Transpose', 'kq', 'kt', { perm: [0, 1, 3, 2] }),
      node('DequantizeLinear', 'kt s z', 'kr'),
      node('DequantizeLinear', 'q s z', 'd'),
      node('Add', 'd kr', 'y'),
    ];
    const plan = createPlan(readModel(model(nodes, [k])));
    const x = new Tensor('float32', new Float32Array(64), [1, 4, 4, 4]);
    const { y } = referenceTrace(plan, { x }).outputs;
    const rounded = (v: number): number => {
      const [floor, rest] = [Math.floor(v), v - Math.floor(v)];
      return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
    };
    const expected = many(64, (i) => {
      const [c, row, column] = [Math.floor(i / 16), Math.floor(i / 4) % 4, i % 4];
      return rounded(Math.fround(Math.fround((16 * c + 4 * column + row) / 3) / 0.5)) * 0.5;
    });
    expect([...(y!.data as Float32Array)]).toEqual(expected);
  });

  it('an output that needs no input is handed out', () => {
    const plan = createPlan(readModel(model([node('QuantizeLinear', 's s z', 'e'), real('e')])));
    expect(plan.steps).toEqual([]);
    const x = new Tensor('float32', new Float32Array(64), [1, 4, 4, 4]);
    expect(referenceTrace(plan, { x }).outputs['y']!.data).toEqual(Float32Array.of(0.5));
  });
});

const CRASHES = '../shared/models/crash';
describe('files that hung, died or ate memory', () => {
  it.skipIf(!existsSync(CRASHES))(
    'are refused within two seconds, but one with a constant output (needs ../shared)',
    () => {
      const accepted = readdirSync(CRASHES).filter((name) => refusal(readFileSync(join(CRASHES, name))) === 'accepted');
      expect(accepted).toEqual(['crash-onnx-struct-257.onnx']);
    },
  );
});

describe('a short soak', () => {
  it.each(FORMATS.map(([{ name }]) => name))('%s', async (name) => {
    const herd = await herdOf(name);
    const results = new Set<string>();
    for (let seed = 0; seed < (name === 'jpeg' ? 30 : 150); seed++) {
      const { result, finding } = await judge(herd, mutantOf(herd, seed));
      expect(finding, `${name}, seed ${seed}`).toBeUndefined();
      results.add(result);
    }
    // some damage shows, and is refused
    expect(results.size).toBeGreaterThan(name === 'npz' ? 0 : 1);
  });
});
