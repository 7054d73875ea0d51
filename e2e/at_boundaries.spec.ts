import { ENGINES } from '../src/engines/index.ts';
import { expect, test } from './gpu.ts';

const CASES = 72;

for (const { name } of ENGINES) {
  const against = name === 'onnxruntime' ? 'the host and onnxruntime-web' : 'the host';
  test(`${name}: ${CASES} operators where it steps: the GPU equals ${against}`, async ({ gpu }) => {
    const result = await gpu.evaluate(
      async ({ name, count }) => {
        type Run = typeof import('../harness/cases/run.ts');
        const { runCases } = (await import('/harness/cases/run.ts' as string)) as Run;
        type Oracle = typeof import('../harness/oracles/onnxruntime_web.ts');
        const { runOnnxruntimeWeb } = (await import('/harness/oracles/onnxruntime_web.ts' as string)) as Oracle;
        type Device = typeof import('../src/gpu/device.ts');
        const { requestDevice } = (await import('/src/gpu/device.ts' as string)) as Device;
        const device = await requestDevice();
        const engine = name === 'onnxruntime' ? { engine: runOnnxruntimeWeb } : {};
        const result = await runCases(name, 1, 0, count, device, { ...engine, atBoundaries: true });
        device.destroy();
        return result;
      },
      { name, count: CASES },
    );
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ cases: CASES, mismatches: 0 });
    // sums that an engine's integers overflow on
    expect(result.refused).toBeLessThan(CASES / 20);
  });
}
