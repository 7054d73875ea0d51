import { readFileSync } from 'node:fs';
import { expect, test } from 'playwright/test';
import { exact8 } from './command.ts';
import { faultsOfReport } from './looked_at.ts';

test.describe.configure({ timeout: 180_000 });

const finite = expect.any(Number);

test('bench measures exact8 and another engine, every layer, and writes a report', async () => {
  const file = test.info().outputPath('bench.html');
  const args = ['--json', '--iterations', '1', '--against', 'tfjs-wasm,onnxruntime-wasm-int8', '--time-limit', '2'];
  const result = await exact8(['bench', ...args, '--html', file]);
  expect(result.code, result.stderr).toBe(0);
  const measured = JSON.parse(result.stdout);
  expect(measured).toMatchObject({
    schemaVersion: 1,
    model: 'default',
    adapter: /./,
    roof: { gmacs: finite, gbytes: finite, dispatchMs: finite },
    ratios: { 'tfjs-wasm': finite, 'onnxruntime-wasm-int8': finite },
  });
  const [own, peer, int8] = measured.results;
  const latencyMs = { min: finite, median: finite, max: finite };
  expect(own).toMatchObject({ name: 'exact8', latencyMs, firstResultMs: finite });
  // it runs where its name says, allocates nothing when warm, and sees what the peer sees
  expect(own.perInference.dispatches).toBeGreaterThan(10);
  expect(own.perInference).toMatchObject({ submits: 1, buffers: 0, bindGroups: 0 });
  expect(peer).toMatchObject({ name: 'tfjs-wasm', latencyMs, perInference: { dispatches: 0 } });
  expect(peer.classIndex).toBe(own.classIndex);
  expect(int8).toMatchObject({ name: 'onnxruntime-wasm-int8', latencyMs, classIndex: own.classIndex });

  expect(measured.layers).toHaveLength(own.perInference.dispatches);
  for (const layer of measured.layers)
    expect(layer).toMatchObject({
      name: /./,
      ms: finite,
      gmacs: finite,
      roofShare: finite,
      bound: /compute|memory|dispatch/,
    });
  expect(measured.layers.reduce((sum: number, { macs }: { macs: number }) => sum + macs, 0)).toBe(299_855_360);

  const report = readFileSync(file, 'utf8');
  expect(report).toContain('tfjs-wasm');
  expect(report).not.toMatch(/NaN|undefined|Infinity|<script/);
  expect(await faultsOfReport(file)).toEqual([]);
});

test('bench --leak runs a small model many times and says that nothing is left', async () => {
  const result = await exact8(['bench', '--leak', '--iterations', '20', '--json']);
  // 20 inferences are too few for the heap to come to rest; what they make on the GPU is seen at once
  expect([0, 1]).toContain(result.code);
  expect(JSON.parse(result.stdout)).toMatchObject({
    inferences: 20,
    created: { buffers: 0, textures: 0, bindGroups: 0, pipelines: 0, shaderModules: 0, querySets: 0 },
    gpuBytes: 0,
  });
});

test.describe('exit 2: bad usage', () => {
  const usages: [args: string[], cause: RegExp][] = [
    [['--against', 'nonsense'], /nonsense.*tfjs-webgpu/],
    [['--against', 'tfjs-wasm', '--webgpu', 'node'], /tfjs-wasm.*--webgpu chrome/],
    [['--iterations', 'x'], /integer/],
  ];
  for (const [args, cause] of usages)
    test(`exact8 bench ${args.join(' ')}`, async () => {
      const result = await exact8(['bench', ...args], { EXACT8_CHROME: '/nowhere' });
      expect(result).toMatchObject({ code: 2, stdout: '' });
      expect(result.stderr).toMatch(cause);
    });
});
