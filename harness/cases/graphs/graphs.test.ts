import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes } from '../draw.ts';
import { generateGraph } from './generate.ts';
import { randomFeeds } from '../../cli/generated_inputs.ts';
import { compareGraph, runGraphs } from './run_graphs.ts';
import { ortFolder } from '../../chrome/ort_folder.ts';
import { computedTensors } from '../../compare/verify.ts';
import { createOnnxruntimeWeb, NoOracleError, runOnnxruntimeWeb } from '../../oracles/onnxruntime_web.ts';
import { decode, type JsonTensors } from '../../../e2e/onnxruntime/json.ts';
import { writeOnnx, type OnnxNode, type OnnxTensor } from '../../../models/onnx_writer.ts';
import { Random } from '../../../models/random.ts';
import { readModel } from '../../../src/formats/index.ts';
import { elementCount, isByteType, type TensorInfo } from '../../../src/graph/graph.ts';
import { createPlan } from '../../../src/plan/plan.ts';
import { referenceTrace } from '../../../src/plan/reference.ts';
import { Tensor } from '../../../src/tensor.ts';
import { SMALL_GRAPHS } from '../../../tests/helpers/float_operators.ts';
import wereWrong from '../../../tests/helpers/graphs_that_were_wrong.json' with { type: 'json' };

const GRAPHS = 200;
const DYNAMIC = 100;
const WRONG = '../shared/models/wrong';
const PUBLIC = '../shared/models/public';
const filesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
const files = filesIn(WRONG);
beforeAll(() => {
  ort.env.wasm.wasmPaths = pathToFileURL(`${ortFolder()}/`).href;
});

/** Other values of the same type. */
const flipped = (data: Tensor['data']): Tensor['data'] => {
  const other = data.slice();
  for (let i = 0; i < other.length; i++) other[i] = (Number(other[i]) === 0 ? 1 : 0) as never;
  return other;
};

describe('generated graphs and mutants of them', () => {
  it('are the same for the same seed', () => {
    for (const index of [0, 1, 2, 3])
      expect(writeOnnx(generateGraph(7, index).model)).toEqual(writeOnnx(generateGraph(7, index).model));
    expect(writeOnnx(generateGraph(7, 0).model)).not.toEqual(writeOnnx(generateGraph(8, 0).model));
  });

  it(`${GRAPHS} of them: the host gives what onnxruntime-web gives`, async () => {
    const result = await runGraphs(1, 200, 200 + GRAPHS, runOnnxruntimeWeb);
    expect(result.failures.map(({ id, what }) => `${id}: ${what}`)).toEqual([]);
    expect(result.equal).toBeGreaterThan(GRAPHS / 2);
  });

  it(`${DYNAMIC} of dynamic quantization: the host gives what onnxruntime-web gives`, async () => {
    const result = await runGraphs(1, 0, DYNAMIC, runOnnxruntimeWeb, { kind: 'dynamic' });
    expect(result.failures.map(({ id, what }) => `${id}: ${what}`)).toEqual([]);
    expect(result.equal).toBeGreaterThan(DYNAMIC / 2);
  });

  it('every float32 operator where its values are decided: the host gives what onnxruntime-web gives', async () => {
    const wrong: string[] = [];
    for (const { what, model, values } of SMALL_GRAPHS) {
      const feeds = { x: new Tensor('float32', Float32Array.from(values), model.inputs[0]!.dims as readonly number[]) };
      const verdict = await compareGraph(writeOnnx(model), feeds, runOnnxruntimeWeb);
      if (verdict.kind !== 'equal') wrong.push(`${what}: ${JSON.stringify(verdict)}`);
    }
    expect(wrong).toEqual([]);
  });

  // Kept as files, for what a seed gives changes with the generator: whole-plane pools, double pairs, Transposes that go
  // away, the sign of zero, a Pad of bytes, one before a MaxPool, empty pairs, Identities, equal nodes ...
  it('those that gave other bits, or an error not of the project, are equal or refused', async () => {
    for (const { id, model, feeds } of wereWrong) {
      const file = Uint8Array.from(atob(model), (character) => character.charCodeAt(0));
      const verdict = await compareGraph(file, decode(feeds as JsonTensors), runOnnxruntimeWeb);
      expect(verdict.kind, id).toMatch(/^(equal|refused|refused by onnxruntime)$/);
    }
    expect(wereWrong.length).toBe(30);
  });

  it('an onnxruntime-web that does not start is no refusal', async () => {
    const none = () => Promise.reject(new NoOracleError('onnxruntime-web does not start'));
    await expect(runGraphs(1, 0, 1, none)).rejects.toThrow(NoOracleError);
  });

  it('a graph that differs is reported as small as it could be made', async () => {
    const other = async (...[model, feeds]: Parameters<typeof runOnnxruntimeWeb>) =>
      Object.fromEntries(
        Object.entries(await runOnnxruntimeWeb(model, feeds)).map(([name, { type, data, dims }]) => [
          name,
          new Tensor(type, flipped(data) as never, dims),
        ]),
      );
    const { failures } = await runGraphs(1, 0, 10, other);
    expect(failures.length).toBeGreaterThan(2);
    expect(failures[0]).toMatchObject({ between: 'host and onnxruntime' });
    expect(failures[0]!.operators.split(' ').length).toBeLessThan(3);
    expect(readModel(Uint8Array.from(failures[0]!.model)).nodes.length).toBeGreaterThan(0);
  });
});

/** Of the models of others those that may be refused, and how. */
const REFUSED: readonly (readonly [name: string, reason: RegExp])[] = [
  [
    'qdq_fusion_uint8',
    /input 'A' was given no shape, and the model leaves more open than the batch \(say it in `shapes`\)/,
  ],
  ['q_biashuge', /'c' \(Conv\): the accumulator of channel 0 can reach .*; supported: sums in int32/],
];

describe.skipIf(filesIn(PUBLIC).length === 0)('models of others (../shared/models/public)', () => {
  for (const file of filesIn(PUBLIC))
    it(`${file}: gives what onnxruntime-web gives, or says why not`, async () => {
      const model = new Uint8Array(readFileSync(`${PUBLIC}/${file}`));
      const refusal = REFUSED.find(([name]) => file.includes(name));
      try {
        const graph = readModel(model);
        const shapes = file === 'q_dynhw.onnx' ? { x: [1, 3, 9, 12] } : {};
        const feeds = randomFeeds(createPlan(graph, { shapes }), 1);
        expect(await compareGraph(model, feeds, runOnnxruntimeWeb, { shapes })).toMatchObject({ kind: 'equal' });
      } catch (error) {
        expect(String(error)).toMatch(refusal?.[1] ?? 'no refusal');
      }
    });
});

describe('pairs of nodes', () => {
  const scalar = (name: string, value: number): OnnxTensor => ({ name, dims: [], data: Float32Array.of(value) });
  const node = (op: string, inputs: string, output: string): OnnxNode => ({
    name: `n_${output}`,
    op,
    domain: '',
    inputs: inputs.split(' '),
    outputs: [output],
    attributes: {},
  });
  const zero = (name: string, value: number): OnnxTensor => ({ name, dims: [], data: Uint8Array.of(value) });
  const model = (nodes: readonly OnnxNode[], outputs: readonly string[]): Uint8Array =>
    writeOnnx({
      name: 'pairs',
      description: '',
      inputs: [{ name: 'x', type: 'float32', dims: [1, 1, 1, 4] }],
      outputs: outputs.map((name) => ({ name, type: 'uint8' })),
      nodes: [node('QuantizeLinear', 'x s z', 'q'), node('DequantizeLinear', 'q s z', 'd'), ...nodes],
      constants: [
        ...[scalar('s', 0.1), zero('z', 0), zero('most', 255)],
        ...[scalar('one', 1), scalar('plus', 0), scalar('minus', -0)],
      ],
    });

  it('divisions by 0 and by -0 are two', async () => {
    const bytes = model(
      [
        node('Add', 'd one', 'a'),
        ...[node('Div', 'a plus', 'p'), node('QuantizeLinear', 'p s z', 'y')],
        ...[node('Div', 'a minus', 'm'), node('QuantizeLinear', 'm s z', 'w')],
      ],
      ['y', 'w'],
    );
    const x = new Tensor('float32', Float32Array.of(0, 1, 2, 20), [1, 1, 1, 4]);
    const { outputs } = referenceTrace(createPlan(readModel(bytes)), { x });
    expect(outputs).toEqual(await runOnnxruntimeWeb(bytes, { x }));
    expect(outputs['y']!.data).not.toEqual(outputs['w']!.data);
  });

  it('two quantizations with no value but 0 in common are refused', () => {
    const bytes = model(
      [
        ...[node('QuantizeLinear', 'd s most', 'e'), node('DequantizeLinear', 'e s most', 'f')],
        ...[node('Relu', 'f', 'r'), node('QuantizeLinear', 'r s z', 'y')],
      ],
      ['y'],
    );
    expect(() => createPlan(readModel(bytes))).toThrow('no value but 0 in common');
  });
});

function randomFeed(random: Random, { type, shape }: TensorInfo): Tensor {
  if (isByteType(type)) return bytes(random, type, shape, 'random', 0);
  return new Tensor(
    'float32',
    Float32Array.from({ length: elementCount(shape) }, () => (random.unit() - 0.5) * 8),
    shape,
  );
}

describe.skipIf(files.length === 0)('the smallest models that were wrong (../shared/models/wrong)', () => {
  // its bias leaves int32
  for (const file of files.filter((name) => !name.includes('tiny-scale')))
    it(`${file}: every tensor that can be watched, or the outputs`, async () => {
      const model = new Uint8Array(readFileSync(`${WRONG}/${file}`));
      const plan = createPlan(readModel(model));
      const random = new Random(1);
      const feeds = Object.fromEntries(plan.graph.inputs.map((input) => [input.name, randomFeed(random, input)]));
      const trace = referenceTrace(plan, feeds);
      const oracle = await createOnnxruntimeWeb(model, computedTensors(plan.graph));
      const { outputs, tensors } = await oracle.run(feeds);
      await oracle.release();
      for (const [name, expected] of Object.entries({ ...tensors, ...outputs })) {
        const actual = trace.tensors.find((tensor) => tensor.name === name)!;
        expect({ type: actual.type, dims: actual.shape, data: actual.data }, name).toEqual({
          type: expected.type,
          dims: expected.dims,
          data: expected.data,
        });
      }
    });
});
