import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { engineOn } from '../harness/cli/mine.ts';
import { detectProcessor } from '../harness/cli/processor.ts';
import { randomFeeds } from '../harness/cli/generated_inputs.ts';
import { generateAtBoundaries } from '../harness/cases/at_boundaries/index.ts';
import { writeCase } from '../harness/cases/onnx.ts';
import { bitsOf, firstDifference } from '../harness/compare/bits.ts';
import { graphRead } from '../harness/cases/read.ts';
import { compareTensor } from '../harness/compare/compare.ts';
import { writeNpz } from '../harness/numpy/npz.ts';
import type { NpyArray } from '../harness/numpy/npy.ts';
import { watchOutputs } from '../harness/oracles/watch_outputs.ts';
import { defaultModel } from '../models/index.ts';
import { readModel } from '../src/formats/index.ts';
import { parseOnnx } from '../src/formats/onnx/proto.ts';
import { createPlan } from '../src/plan/plan.ts';
import { referenceTensors, referenceTrace } from '../src/plan/reference.ts';
import { Tensor } from '../src/tensor.ts';
import { OnnxNetwork } from '../tests/helpers/onnx_network.ts';
import { exact8 } from './command.ts';
import { expect, test } from './gpu.ts';
import { PythonOnnxruntime } from './onnxruntime/engine.ts';
import { ONNXRUNTIME, pythonWith } from './python.ts';

/** The engine that onnxruntime is on this processor, as `exact8 engines --mine` says. */
const { processor } = detectProcessor();
const ENGINE = (processor && engineOn('onnxruntime', processor)) ?? '';

const CASES = 72;
const CASES_AT_BOUNDARIES = 120;

let engine: PythonOnnxruntime;

test.beforeAll(() => {
  test.skip(ENGINE === '', `needs a processor on which onnxruntime is known, not ${processor}`);
  const python = pythonWith(ONNXRUNTIME);
  test.skip(python === undefined, 'needs a Python with onnxruntime');
  engine = new PythonOnnxruntime(python!);
});

test.afterAll(() => engine?.close());

test(`${CASES} generated cases: GPU, host and Python's onnxruntime give the same bits`, async ({ gpu }) => {
  type Ask = PythonOnnxruntime['ask'];
  await gpu.exposeFunction('askOnnxruntime', ((...request) => engine.ask(...request)) satisfies Ask);
  const result = await gpu.evaluate(
    async ([count, name]) => {
      type Run = typeof import('../harness/cases/run_cases.ts');
      const { runCases } = (await import('/harness/cases/run_cases.ts' as string)) as Run;
      type Json = typeof import('./onnxruntime/json.ts');
      const { base64, decode, encode } = (await import('/e2e/onnxruntime/json.ts' as string)) as Json;
      const { requestDevice } = (await import('/src/gpu/device.ts' as string)) as typeof import('../src/gpu/device.ts');
      const { askOnnxruntime: ask } = globalThis as never as { askOnnxruntime: Ask };
      const device = await requestDevice();
      const result = await runCases(name, 1, 0, count, device, {
        oracle: async (model, feeds) => decode(await ask(base64(model), encode(feeds))),
      });
      device.destroy();
      return result;
    },
    [CASES, ENGINE] as const,
  );
  expect(result.failures).toEqual([]);
  expect(result).toMatchObject({ cases: CASES, mismatches: 0, refused: 0 });
});

test(`${CASES_AT_BOUNDARIES} operators where the engine steps: the host equals Python's onnxruntime`, async () => {
  const wrong: string[] = [];
  let elements = 0;
  for (let index = 0; index < CASES_AT_BOUNDARIES; index++) {
    const test = generateAtBoundaries(ENGINE, 1, index);
    const file = writeCase(test.graph, test.form);
    const plan = createPlan(graphRead(test, file));
    const ours = referenceTrace(plan, test.feeds).outputs['y']!.data;
    const theirs = (await engine.run(file, test.feeds))['y']!.data;
    elements += ours.length;
    const { count } = firstDifference(bitsOf(ours), bitsOf(theirs));
    if (count > 0) wrong.push(`${test.id}: ${test.description}: ${count} of ${ours.length}`);
  }
  expect(wrong).toEqual([]);
  expect(elements).toBeGreaterThan(50_000);
});

/** Float functions of one 8-bit tensor, which this engine computes with fused multiply-adds: each an output. */
function functions(): Uint8Array {
  const network = new OnnxNetwork(14);
  const x = network.dequantize(network.input(new Tensor('uint8', new Uint8Array(4096), [1, 4, 32, 32])), 0.041, 131);
  const plus3 = network.op('Add', [x, network.float(3)]);
  const gate = network.op('Clip', [plus3, network.float(0), network.float(6)]);
  for (const real of [
    network.op('HardSwish', [x]),
    network.op('Sigmoid', [x]),
    network.op('Mul', [x, network.op('Sigmoid', [x])]),
    network.op('Div', [network.op('Mul', [x, gate]), network.float(6)]),
  ])
    network.output(network.quantize(real, 0.023, 17));
  return network.bytes();
}

const MOBILENET_V1 = '../shared/models/imagenet_mobilenetv1_025_128_u8.qlinear.onnx';

const MODELS: [name: string, model: () => Uint8Array | Promise<Uint8Array>][] = [
  ['functions of one tensor', functions],
  ['the default model', defaultModel],
  ['imagenet_mobilenetv1_025_128_u8', () => readFileSync(MOBILENET_V1)],
];

for (const [name, bytes] of MODELS)
  test(`${name}: every tensor on the GPU and on the host equals Python's onnxruntime`, async ({ baseURL: _ }, info) => {
    test.skip(name.startsWith('imagenet') && !existsSync(MOBILENET_V1), 'needs ../shared');
    const model = await bytes();
    const plan = createPlan(readModel(model), { engine: ENGINE });
    const feeds = randomFeeds(plan, 1);
    const final = await engine.run(model, feeds);
    // outputs of QuantizeLinear, of operators on bytes and of what stays float32 can be watched without undoing a fusion
    const inFile = new Set(parseOnnx(model).graph?.nodes.flatMap(({ outputs }) => outputs));
    const names = plan.graph.nodes
      .flatMap(({ outputs }) => outputs)
      .filter((tensor) => inFile.has(tensor) && !(tensor in final));
    const watched = names.map((tensor) => ({ name: tensor, type: plan.graph.tensors.get(tensor)!.type }));
    const recorded = await engine.run(watchOutputs(model, watched), feeds);
    for (const [output, { data }] of Object.entries(final)) expect(recorded[output]!.data).toEqual(data);

    let compared = 0;
    for (const { name: tensor, node, shape, type, data } of referenceTensors(plan, feeds)) {
      const expected = recorded[tensor];
      if (!expected) continue;
      const wanted = { name: tensor, type: expected.type, shape: expected.dims, data: expected.data };
      expect(compareTensor(wanted, { name: tensor, type, shape, data }, node).mismatches, tensor).toBe(0);
      compared++;
    }
    expect(compared).toBe(Object.keys(recorded).length);

    const [file, trace] = [info.outputPath('model.onnx'), info.outputPath('trace.npz')];
    writeFileSync(file, model);
    const arrays = Object.entries({ ...feeds, ...recorded }).map(
      ([tensor, { dims, data }]) => [tensor, { shape: dims, data: data as NpyArray['data'] }] as const,
    );
    writeFileSync(trace, writeNpz(arrays));
    const args = ['verify', '--model', file, '--engine', ENGINE, '--against', trace, '--json'];
    const result = await exact8(args);
    expect(result.code, result.stderr).toBe(0);
    const report = JSON.parse(result.stdout);
    expect(report.mismatches).toBe(0);
    expect(report.tensors).toHaveLength(compared);
  });
