import { writeFileSync } from 'node:fs';
import type { Page, TestInfo } from 'playwright/test';
import { bitsOf, firstDifference } from '../../harness/compare/bits.ts';
import { generateAtBoundaries } from '../../harness/cases/at_boundaries/index.ts';
import type { Case } from '../../harness/cases/case.ts';
import { writeCase } from '../../harness/cases/onnx.ts';
import { graphRead } from '../../harness/cases/read.ts';
import { randomFeeds } from '../../harness/cli/generated_inputs.ts';
import { compareTensor } from '../../harness/compare/compare.ts';
import type { NpyArray } from '../../harness/numpy/npy.ts';
import { writeNpz } from '../../harness/numpy/npz.ts';
import { watchOutputs } from '../../harness/oracles/watch_outputs.ts';
import { readModel } from '../../src/formats/index.ts';
import { parseOnnx } from '../../src/formats/onnx/proto.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { referenceTensors, referenceTrace } from '../../src/plan/reference.ts';
import { exact8 } from '../command.ts';
import { expect } from '../gpu.ts';
import type { PythonOnnxruntime } from './engine.ts';

type Ask = PythonOnnxruntime['ask'];

/** Lets a page ask an onnxruntime, by `askOnnxruntime`. */
const expose = (gpu: Page, onnxruntime: PythonOnnxruntime): Promise<unknown> =>
  gpu.exposeFunction('askOnnxruntime', ((...request) => onnxruntime.ask(...request)) satisfies Ask);

/** Generated cases have the same bits on the GPU, on the host and in an onnxruntime, of which `name` is the engine. */
export async function expectCasesEqual(
  gpu: Page,
  onnxruntime: PythonOnnxruntime,
  name: string,
  count: number,
): Promise<void> {
  await expose(gpu, onnxruntime);
  const result = await gpu.evaluate(
    async ([count, name]) => {
      type Run = typeof import('../../harness/cases/run_cases.ts');
      const { runCases } = (await import('/harness/cases/run_cases.ts' as string)) as Run;
      type Json = typeof import('./json.ts');
      const { base64, decode, encode } = (await import('/e2e/onnxruntime/json.ts' as string)) as Json;
      type Device = typeof import('../../src/gpu/device.ts');
      const { requestDevice } = (await import('/src/gpu/device.ts' as string)) as Device;
      const { askOnnxruntime: ask } = globalThis as never as { askOnnxruntime: Ask };
      const device = await requestDevice();
      const result = await runCases(name, 1, 0, count, device, {
        oracle: async (model, feeds) => decode(await ask(base64(model), encode(feeds))),
      });
      device.destroy();
      return result;
    },
    [count, name] as const,
  );
  expect(result.failures).toEqual([]);
  expect(result).toMatchObject({ cases: count, mismatches: 0, refused: 0 });
}

/** Generated graphs have the same bits on the host and in an onnxruntime, or are refused. */
export async function expectGraphsEqual(
  gpu: Page,
  onnxruntime: PythonOnnxruntime,
  name: string,
  count: number,
): Promise<void> {
  await expose(gpu, onnxruntime);
  const result = await gpu.evaluate(
    async ([count, name]) => {
      type Run = typeof import('../../harness/cases/graphs/run_graphs.ts');
      const { runGraphs } = (await import('/harness/cases/graphs/run_graphs.ts' as string)) as Run;
      type Json = typeof import('./json.ts');
      const { base64, decode, encode } = (await import('/e2e/onnxruntime/json.ts' as string)) as Json;
      const { askOnnxruntime: ask } = globalThis as never as { askOnnxruntime: Ask };
      return runGraphs(1, 0, count, async (model, feeds) => decode(await ask(base64(model), encode(feeds))), {
        engine: name,
      });
    },
    [count, name] as const,
  );
  expect(result.failures.map(({ id, what }) => `${id}: ${what}`)).toEqual([]);
  expect(result.equal).toBeGreaterThan(count / 3);
}

/** The host gives what an onnxruntime gives, of operators written as files. */
export async function expectHostEqual(onnxruntime: PythonOnnxruntime, cases: readonly Case[]): Promise<void> {
  const wrong: string[] = [];
  let elements = 0;
  for (const test of cases) {
    const file = writeCase(test.graph, test.form);
    const plan = createPlan(graphRead(test, file));
    const ours = referenceTrace(plan, test.feeds).outputs['y']!.data;
    const theirs = (await onnxruntime.run(file, test.feeds))['y']!.data;
    elements += ours.length;
    const { count } = firstDifference(bitsOf(ours), bitsOf(theirs));
    if (count > 0) wrong.push(`${test.id}: ${test.description}: ${count} of ${ours.length}`);
  }
  expect(wrong).toEqual([]);
  expect(elements).toBeGreaterThan(400 * cases.length);
}

/** Operators placed where an engine's own functions step. */
export const casesAtBoundaries = (name: string, count: number): Case[] =>
  Array.from({ length: count }, (_, index) => generateAtBoundaries(name, 1, index));

/** Every tensor of a model that can be watched is the same in the engine, on the host and, by `verify`, on the GPU. */
export async function expectTensorsEqual(
  onnxruntime: PythonOnnxruntime,
  name: string,
  model: Uint8Array,
  info: TestInfo,
): Promise<void> {
  const plan = createPlan(readModel(model), { engine: name });
  const feeds = randomFeeds(plan, 1);
  const final = await onnxruntime.run(model, feeds);
  // outputs of QuantizeLinear, of operators on bytes and of what stays float32 can be watched without undoing a fusion
  const inFile = new Set(parseOnnx(model).graph?.nodes.flatMap(({ outputs }) => outputs));
  const names = plan.graph.nodes
    .flatMap(({ outputs }) => outputs)
    .filter((tensor) => inFile.has(tensor) && !(tensor in final));
  const watched = names.map((tensor) => ({ name: tensor, type: plan.graph.tensors.get(tensor)!.type }));
  const recorded = await onnxruntime.run(watchOutputs(model, watched), feeds);
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
  const args = ['verify', '--model', file, '--engine', name, '--against', trace, '--json'];
  const result = await exact8(args);
  expect(result.code, result.stderr).toBe(0);
  const report = JSON.parse(result.stdout);
  expect(report.mismatches).toBe(0);
  expect(report.tensors).toHaveLength(compared);
}
