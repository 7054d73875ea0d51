import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'playwright/test';
import { openNpz, writeNpz } from '../harness/numpy/npz.ts';
import { chosen } from '../tests/helpers/long.ts';
import { exact8 } from './command.ts';

const model = (name: string): string => `../shared/models/torchvision_mobilenet_v2_${name}.pth`;
const trace = (name: string): string => `../shared/goldens/pytorch_${name}.npz`;
/** The 65 quantized tensors that a trace records, and the float output. */
const TENSORS = 66;

async function verify(...args: string[]) {
  const result = await exact8(['verify', '--json', ...args]);
  const report = result.stdout === '' ? {} : JSON.parse(result.stdout);
  return { code: result.code, stderr: result.stderr, report };
}

test.describe('needs ../shared: traces of real PyTorch', () => {
  test.skip(!existsSync('../shared/goldens'), 'needs ../shared');
  test.describe.configure({ timeout: 240_000 });

  const traces = chosen<[model: string, engine: string | undefined, trace: string]>(
    [
      ['qnnpack', undefined, 'qnnpack_trace_cat_720p'],
      ['fbgemm', undefined, 'x86_trace_coffee'],
    ],
    [
      // live: e2e/pytorch.spec.ts
      ['qnnpack', 'onednn-avx2', 'onednn_avx2_trace_cat_720p'],
      // the same graph from another format of file: src/formats/torch/torch.test.ts
      ['qnnpack_legacy', undefined, 'qnnpack_trace_cat_720p'],
      ['fbgemm_full_range', 'fbgemm', 'fbgemm_full_range_trace_coffee'],
      ['qnnpack', 'fbgemm-avx2', 'fbgemm_avx2_trace_cat_720p'],
      ['fbgemm_full_range', undefined, 'x86_full_range_trace_hot_dog'],
      ['fbgemm_full_range', 'x86-avx2', 'fbgemm_avx2_full_range_trace_cat_720p'],
    ],
  );
  for (const [name, engine, recorded] of traces)
    test(`${name}.pth equals ${recorded}, end to end and layer by layer`, async () => {
      const { code, report, stderr } = await verify(
        ...['--model', model(name), '--against', trace(recorded), '--each-layer'],
        ...(engine ? ['--engine', engine] : []),
      );
      expect(code, stderr).toBe(0);
      expect(report).toMatchObject({ mode: 'teacher-forced', mismatches: 0, endToEnd: { mismatches: 0 } });
      expect(report.tensors).toHaveLength(TENSORS);
      expect(report.endToEnd.tensors).toHaveLength(TENSORS);
    });

  test('from the photograph itself', async () => {
    const { code, report } = await verify(
      ...['--model', model('qnnpack'), '--against', trace('qnnpack_trace_cat_720p')],
      ...['--image', '../shared/photos/cat_720p.jpg'],
    );
    expect(code).toBe(0);
    expect(report).toMatchObject({ mode: 'end-to-end', mismatches: 0 });
  });

  test('from another photograph than the trace: exit 2; a trace of the input alone: exit 2', async () => {
    const recorded = trace('qnnpack_trace_cat_720p');
    const other = await exact8([
      ...['verify', '--model', model('qnnpack'), '--against', recorded],
      ...['--image', '../shared/photos/coffee.png'],
    ]);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('was recorded from another input')]);
    const npz = openNpz(readFileSync(recorded));
    const lone = test.info().outputPath('input.npz');
    writeFileSync(lone, writeNpz([['input', npz.read('input')]]));
    const nothing = await exact8(['verify', '--model', model('qnnpack'), '--against', lone]);
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining('so there is nothing to compare')]);
  });

  test('under another engine the differences are reported, and the exit code is 1', async () => {
    const { code, report } = await verify(
      ...['--model', model('qnnpack'), '--against', trace('qnnpack_trace_cat_720p'), '--engine', 'fbgemm'],
    );
    expect(code).toBe(1);
    expect(report.engine).toBe('fbgemm');
    expect(report.mismatches).toBeGreaterThan(1_000_000);
  });

  // those of this processor, and of one without VNNI: e2e/pytorch.spec.ts
  const made = chosen<[model: string, engines: readonly string[], trace: string]>(
    [],
    [
      ['qnnpack', ['onednn-avx2'], 'onednn_avx2_trace_cat_720p'],
      ['fbgemm_full_range', ['fbgemm'], 'fbgemm_full_range_trace_coffee'],
      ['fbgemm_full_range', ['fbgemm-avx2', 'x86-avx2'], 'fbgemm_avx2_full_range_trace_cat_720p'],
      ['fbgemm', ['x86'], 'x86_trace_coffee'],
      ['fbgemm_full_range', ['x86'], 'x86_full_range_trace_hot_dog'],
    ],
  );
  for (const [name, engines, recorded] of made)
    test(`identify: ${recorded} was made by ${engines.join(' or ')}`, async () => {
      const { code, stdout } = await exact8(
        ['identify', '--model', model(name), '--against', trace(recorded), '--json'],
        { EXACT8_CHROME: '/nowhere' },
      );
      expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, identified: engines });
      expect(code).toBe(0);
    });

  test('identify: a trace with one altered byte fits no engine, and the nearest is named with the layer', async ({
    baseURL: _,
  }, info) => {
    const npz = openNpz(readFileSync(trace('qnnpack_trace_cat_720p')));
    const arrays = npz.names.map((name) => [name, npz.read(name)] as const);
    const altered = arrays.find(([name]) => name === 'features.18.0')![1].data;
    altered[1000] = Number(altered[1000]) ^ 1;
    const file = info.outputPath('altered.npz');
    writeFileSync(file, writeNpz(arrays));
    const { code, stdout } = await exact8(['identify', '--model', model('qnnpack'), '--against', file, '--json']);
    const { identified, nearest, candidates } = JSON.parse(stdout);
    expect({ code, identified, nearest }).toEqual({ code: 1, identified: [], nearest: 'qnnpack' });
    const best = candidates.find(({ engine }: { engine: string }) => engine === 'qnnpack');
    expect(best.firstMismatch.tensor).toBe('features.18.0');
    // the byte itself, and what the layer behind it makes of it
    expect(best.mismatches).toBeLessThan(20);
  });

  // by the command; the others without it: e2e/recorded.spec.ts
  for (const [file, engine] of [
    ['fbgemm_avx2_conv', 'fbgemm-avx2'],
    ['x86_add', 'x86'],
  ] as const)
    test(`recorded operators: ${file}`, async () => {
      const args = ['--recorded', `../shared/goldens/operators/pytorch_${file}.npz`, '--engine', engine];
      const { code, stdout } = await exact8(['cases', ...args, '--json']);
      const cases = file.endsWith('_conv') ? 90 : 16;
      expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, cases, mismatchesHost: 0, mismatchesGpu: 0 });
      expect(code).toBe(0);
    });
});
