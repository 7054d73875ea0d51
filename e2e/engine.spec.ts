import { existsSync, readFileSync } from 'node:fs';
import { generateCase } from '../harness/cases/generate.ts';
import { expect, test } from './gpu.ts';

/** Runs a model, given as base64 or made from cases, under the engine of examples/engine, on the GPU and on the host. */
async function runTruncating(page: import('playwright/test').Page, model: string) {
  return page.evaluate(async (base64) => {
    type Library = typeof import('../src/index.ts');
    const { InferenceSession, Tensor, referenceTrace } = (await import('/src/index.ts' as string)) as Library;
    type Example = typeof import('../examples/engine/truncating.ts');
    const { truncating } = (await import('/examples/engine/truncating.ts' as string)) as Example;
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const session = await InferenceSession.create(bytes, { engine: truncating });
    const { name, shape } = session.plan.graph.inputs[0]!;
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * 0.7) * 2);
    const feeds = { [name]: new Tensor('float32', data, shape) };
    const expected = referenceTrace(session.plan, feeds).tensors;
    const actual = (await session.trace(feeds)).tensors;
    const usual = await InferenceSession.create(bytes);
    const others = (await usual.trace(feeds)).tensors;
    const differing = (a: ArrayLike<unknown>, b: ArrayLike<unknown>) =>
      Array.from(a).filter((v, i) => v !== b[i]).length;
    return {
      engine: session.engine,
      tensors: actual.length,
      mismatches: actual.reduce((sum, t, i) => sum + differing(t.data, expected[i]!.data), 0),
      unlikeQnnpack: actual.reduce((sum, t, i) => sum + differing(t.data, others[i]!.data), 0),
    };
  }, model);
}

test.describe('needs ../shared: a network', () => {
  test.skip(!existsSync('../shared/models'), 'needs ../shared');
  test("an engine from outside the library runs a network, by its own file's arithmetic", async ({ kept }) => {
    const model = readFileSync('../shared/models/torchvision_mobilenet_v2_qnnpack.pth').toString('base64');
    const result = await runTruncating(kept, model);
    expect(result).toMatchObject({ engine: 'truncating', tensors: 68, mismatches: 0 });
    expect(result.unlikeQnnpack).toBeGreaterThan(1_000_000);
  });
});

test('an engine from outside the library computes layers by its own arithmetic', async ({ kept }) => {
  const seeds = Array.from({ length: 12 }, (_, i) => generateCase('qnnpack', 9, i));
  expect(seeds.every(({ graph }) => graph.nodes[0]!.op === 'Conv')).toBe(true);
  const mismatches = await kept.evaluate(async () => {
    type Library = typeof import('../src/index.ts');
    const { InferenceSession, referenceTrace } = (await import('/src/index.ts' as string)) as Library;
    type Example = typeof import('../examples/engine/truncating.ts');
    const { truncating } = (await import('/examples/engine/truncating.ts' as string)) as Example;
    type Cases = typeof import('../harness/cases/generate.ts');
    const { generateCase } = (await import('/harness/cases/generate.ts' as string)) as Cases;
    let [differing, unlikeQnnpack] = [0, 0];
    for (let i = 0; i < 12; i++) {
      const { graph, feeds } = generateCase('qnnpack', 9, i);
      const session = await InferenceSession.create(graph, { engine: truncating });
      const actual = (await session.run(feeds))['y']!.data;
      const expected = referenceTrace(session.plan, feeds).outputs['y']!.data;
      const usual = referenceTrace((await InferenceSession.create(graph)).plan, feeds).outputs['y']!.data;
      for (let k = 0; k < expected.length; k++) {
        differing += Number(actual[k] !== expected[k]);
        unlikeQnnpack += Number(actual[k] !== usual[k]);
      }
      session.release();
    }
    return { differing, unlikeQnnpack };
  });
  expect(mismatches.differing).toBe(0);
  expect(mismatches.unlikeQnnpack).toBeGreaterThan(100);
});
