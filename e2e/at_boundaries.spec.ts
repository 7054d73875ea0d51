import { ORACLE_NAMES } from '../harness/oracles/index.ts';
import { ENGINES } from '../src/engines/index.ts';
import { expect, test } from './gpu.ts';

const CASES = 72;

for (const { name } of ENGINES) {
  const hasOracle = ORACLE_NAMES.some((oracle) => oracle === name);
  const against = hasOracle ? 'the host and onnxruntime-web' : 'the host';
  test(`${name}: ${CASES} operators where it steps: the GPU equals ${against}`, async ({ gpu }) => {
    const result = await gpu.evaluate(
      async ({ name, count }) => {
        type Run = typeof import('../harness/cases/run_cases.ts');
        const { runCases } = (await import('/harness/cases/run_cases.ts' as string)) as Run;
        type Oracles = typeof import('../harness/oracles/index.ts');
        const { oracleFor } = (await import('/harness/oracles/index.ts' as string)) as Oracles;
        type Device = typeof import('../src/gpu/device.ts');
        const { requestDevice } = (await import('/src/gpu/device.ts' as string)) as Device;
        const device = await requestDevice();
        const oracle = await oracleFor(name);
        const result = await runCases(name, 1, 0, count, device, { oracle, atBoundaries: true });
        device.destroy();
        return result;
      },
      { name, count: CASES },
    );
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ cases: CASES, mismatches: 0 });
    expect(result.compared).toBe(hasOracle ? CASES - result.refused : 0);
    // sums that an engine's integers overflow on
    expect(result.refused).toBeLessThan(CASES / 20);
  });
}
