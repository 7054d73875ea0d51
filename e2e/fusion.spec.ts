import type { CasesResult } from '../harness/cases/run_cases.ts';
import { expect, test } from './gpu.ts';

const ENGINES = { onnxruntime: 16, qnnpack: 8, fbgemm: 8, 'fbgemm-avx2': 8, onednn: 8, x86: 8 };

const run = (page: import('playwright/test').Page, engine: string, count: number): Promise<CasesResult> =>
  page.evaluate(
    async ({ engine, count }) => {
      const { runBlocks } = (await import(
        '/harness/cases/run_blocks.ts' as string
      )) as typeof import('../harness/cases/run_blocks.ts');
      const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as typeof import('./kept_device.ts');
      return runBlocks(engine, 1, 0, count, await keptDevice());
    },
    { engine, count },
  );

for (const [engine, count] of Object.entries(ENGINES))
  test(`${engine}: ${count} generated blocks, fused, equal the host reference`, async ({ kept }) => {
    const { failures, coverage, refused } = await run(kept, engine, count);
    expect(failures).toEqual([]);
    // engines refuse some random scales
    expect(refused).toBeLessThan(count / 4);
    const used = Object.keys(coverage).join('\n');
    expect(used).toContain('output/sums');
    expect(used).toContain('pointwise_pool');
    // where every layer saturates, no first or last stage can be part of a block
    if (engine !== 'fbgemm-avx2') expect(used).toMatch(/inverted_residual .*block\/expand/);
    if (engine !== 'fbgemm-avx2') expect(used).toMatch(/lanes\w* output\/sums/);
    if (engine === 'onnxruntime') expect(used).toMatch(/lanes\w* output\/float_sums/);
    if (engine === 'onnxruntime')
      for (const link of ['block/unexpanded', 'input/floats', 'output/floats', 'output/float_sums'])
        expect(used).toContain(link);
  });

test('the default model: what run computes in fused dispatches is what the trace has node by node', async ({
  kept,
}) => {
  const result = await kept.evaluate(async () => {
    const { InferenceSession } = (await import(
      '/src/session/session.ts' as string
    )) as typeof import('../src/session/session.ts');
    const { Tensor } = (await import('/src/tensor.ts' as string)) as typeof import('../src/tensor.ts');
    const { defaultModelBytes } = (await import(
      '/harness/page/default_model_bytes.ts' as string
    )) as typeof import('../harness/page/default_model_bytes.ts');
    const session = await InferenceSession.create(await defaultModelBytes(), { fusion: 'blocks' });
    const { name, shape } = session.plan.graph.inputs[0]!;
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 12.9898));
    const feeds = { [name]: new Tensor('float32', data, shape) };
    const run = Object.values(await session.run(feeds)).map((tensor) => [...(tensor.data as Float32Array)]);
    const trace = Object.values((await session.trace(feeds)).outputs).map(({ data }) => [...(data as Float32Array)]);
    const dispatches = session.plan.steps.length;
    session.release();
    return { run, trace, dispatches };
  });
  expect(result.run).toEqual(result.trace);
  expect(result.dispatches).toBeLessThanOrEqual(22);
});

test('a planted fault is seen: one bit of a fused weight', async ({ kept }) => {
  const differing = await kept.evaluate(async () => {
    const { generateBlock } = (await import(
      '/harness/cases/blocks.ts' as string
    )) as typeof import('../harness/cases/blocks.ts');
    const { firstDifference } = (await import(
      '/harness/compare/bits.ts' as string
    )) as typeof import('../harness/compare/bits.ts');
    const { createPlan } = (await import('/src/plan/plan.ts' as string)) as typeof import('../src/plan/plan.ts');
    const { referenceTrace } = (await import(
      '/src/plan/reference.ts' as string
    )) as typeof import('../src/plan/reference.ts');
    const { Executable } = (await import(
      '/src/gpu/executable.ts' as string
    )) as typeof import('../src/gpu/executable.ts');
    const { takeInputs } = (await import('/src/gpu/inputs.ts' as string)) as typeof import('../src/gpu/inputs.ts');
    const { PipelineCache } = (await import(
      '/src/gpu/pipelines.ts' as string
    )) as typeof import('../src/gpu/pipelines.ts');
    const { requestDevice } = (await import('/src/gpu/device.ts' as string)) as typeof import('../src/gpu/device.ts');
    const { graph, feeds } = generateBlock('qnnpack', 1, 0);
    const plan = createPlan(graph, { fusion: 'blocks' });
    const expected = referenceTrace(plan, feeds).outputs[graph.outputs[0]!]!.data as Uint8Array;
    const device = await requestDevice();
    const differences = async (): Promise<number> => {
      const executable = await Executable.compile(device, plan, PipelineCache.of(device));
      const actual = (await executable.run(takeInputs(plan, feeds)))[graph.outputs[0]!]!.data as Uint8Array;
      executable.release();
      return firstDifference(actual, expected).count;
    };
    const before = await differences();
    const weights = plan.steps[0]!.operands[1] as { data: Uint32Array };
    // the highest bit of the last stage's first weight
    weights.data[plan.steps[0]!.geometry['project_weights']! * 4]! ^= 0x80;
    const after = await differences();
    device.destroy();
    return { before, after };
  });
  expect(differing.before).toBe(0);
  expect(differing.after).toBeGreaterThan(0);
});
