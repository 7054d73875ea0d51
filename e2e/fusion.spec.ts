import type { BlocksResult } from '../harness/cases/run_blocks.ts';
import { expect, test } from './gpu.ts';

const ENGINES = { onnxruntime: 16, qnnpack: 10, fbgemm: 10, 'fbgemm-avx2': 10, onednn: 10, x86: 16 };

const run = (page: import('playwright/test').Page, engine: string, count: number): Promise<BlocksResult> =>
  page.evaluate(
    async ({ engine, count }) => {
      const { runBlocks } = (await import(
        '/harness/cases/run_blocks.ts' as string
      )) as typeof import('../harness/cases/run_blocks.ts');
      const { requestDevice } = (await import('/src/gpu/device.ts' as string)) as typeof import('../src/gpu/device.ts');
      const device = await requestDevice();
      const result = await runBlocks(engine, 1, 0, count, device);
      device.destroy();
      return result;
    },
    { engine, count },
  );

for (const [engine, count] of Object.entries(ENGINES))
  test(`${engine}: ${count} generated blocks, fused, equal the host reference`, async ({ gpu }) => {
    const { failures, coverage, refused } = await run(gpu, engine, count);
    expect(failures).toEqual([]);
    // engines refuse some random scales
    expect(refused).toBeLessThan(count / 4);
    const used = Object.keys(coverage).join('\n');
    expect(used).toContain('output/sums');
    expect(used).toContain('pointwise_pool');
    // where every layer saturates, no first or last stage can be part of a block
    if (engine !== 'fbgemm-avx2') expect(used).toMatch(/inverted_residual .*block\/expand/);
    if (engine === 'onnxruntime')
      for (const link of ['block/unexpanded', 'input/floats', 'output/floats', 'output/float_sums'])
        expect(used).toContain(link);
  });
