import { LONG } from '../tests/helpers/long.ts';
import { exact8 } from './command.ts';
import { plant } from './plant.ts';
import { expect, test } from './gpu.ts';

/** Of a seed in which few cases have every size: harness/cases/cases.test.ts counts. */
const [SEED, CASES] = [2, LONG ? 6000 : 300];

test(`${CASES} generated cases: GPU, host and onnxruntime-web give the same bits`, async ({ kept }) => {
  const result = await kept.evaluate(
    async ({ seed, count }) => {
      type Run = typeof import('../harness/cases/run_cases.ts');
      const { runCases } = (await import('/harness/cases/run_cases.ts' as string)) as Run;
      type Oracle = typeof import('../harness/oracles/onnxruntime_web.ts');
      const { runOnnxruntimeWeb } = (await import('/harness/oracles/onnxruntime_web.ts' as string)) as Oracle;
      const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as typeof import('./kept_device.ts');
      return runCases('onnxruntime', seed, 0, count, await keptDevice(), { oracle: runOnnxruntimeWeb });
    },
    { seed: SEED, count: CASES },
  );
  expect(result.failures).toEqual([]);
  expect(result).toMatchObject({ cases: CASES, mismatches: 0, refused: 0 });
  for (const form of ['multiply_shift', 'two_limbs', 'checked_line', 'wide_multiply', 'corrected_guess', 'search'])
    expect(Object.keys(result.coverage).join('\n')).toContain(`requantize/${form}`);
});

test('sums that a device would take for zero, were they the bits of floats', async () => {
  const { code, stdout } = await exact8(['cases', '--against', 'onnxruntime', '--case', 'onnxruntime/310/134']);
  expect(code, stdout).toBe(0);
});

test.describe('exact8 cases --against onnxruntime', () => {
  const args = ['cases', '--against', 'onnxruntime', '--json'];

  test('counts what it compared', async () => {
    const result = await exact8([...args, '--seed', '2', '--count', '30']);
    expect(result.code, result.stderr).toBe(0);
    const report = JSON.parse(result.stdout);
    expect(report).toMatchObject({
      schemaVersion: 1,
      cases: 30,
      refused: 0,
      compared: 30,
      mismatchesGpu: 0,
      mismatchesHost: 0,
    });
    expect(report.elements).toBeGreaterThan(10_000);
  });

  test('a shader that is wrong: exit 1, the element, how to repeat the case and where to look at it', async () => {
    const right = 'requantize(form, sums) ^';
    const planted = plant(right, `${right} 1u ^`);
    const one = ['cases', '--against', 'onnxruntime', '--case', 'onnxruntime/1/10'];
    const { code, stdout } = await exact8(one, {}, planted);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /onnxruntime\/1\/10: .* differ between GPU and host, first output \[0, 0, 0, 0\]: host -?\d+, GPU -?\d+, accumulator -?\d+/,
    );
    expect(stdout).toContain('npx exact8 cases --case onnxruntime/1/10');
    expect(stdout).toContain('?case=onnxruntime/1/10');
    expect((await exact8(one)).code).toBe(0);
  });

  test('--graphs: whole graphs on the GPU, too', async () => {
    const result = await exact8([...args, '--graphs', '--seed', '3', '--count', '12', '--gpu-every', '2']);
    expect(result.code, result.stderr).toBe(0);
    const report = JSON.parse(result.stdout);
    expect(report).toMatchObject({ schemaVersion: 1, graphs: 12, failures: [] });
    expect(report.onGpu).toBeGreaterThan(0);
    expect(report.onGpu).toBeLessThan(report.equal);
  });

  const refused: [args: string[], cause: RegExp][] = [
    [['--engine', 'qnnpack'], /qnnpack has others/],
    [['--case', 'qnnpack/1/2'], /qnnpack has others/],
    [['--case', 'nonsense'], /ENGINE\/SEED\/INDEX/],
    [['--recorded', 'x.npz'], /has its reference/],
    [['--graphs', '--case', 'onnxruntime/1/2'], /is no graph/],
  ];
  for (const [more, cause] of refused)
    test(`${more.join(' ')}: exit 2`, async () => {
      const result = await exact8([...args, ...more], { EXACT8_CHROME: '/nowhere' });
      expect(result.code, result.stderr).toBe(2);
      expect(JSON.parse(result.stdout).error).toMatchObject({ message: expect.stringMatching(cause), exitCode: 2 });
    });
});
