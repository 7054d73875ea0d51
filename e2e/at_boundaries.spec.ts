import { ORACLE_NAMES } from '../harness/oracles/index.ts';
import { ENGINES } from '../src/engines/index.ts';
import { LONG } from '../tests/helpers/long.ts';
import { expect, test } from './gpu.ts';

const CASES = LONG ? 500 : 72;

for (const { name } of ENGINES) {
  const hasOracle = ORACLE_NAMES.some((oracle) => oracle === name);
  const against = hasOracle ? 'the host and onnxruntime-web' : 'the host';
  test(`${name}: ${CASES} operators where it steps: the GPU equals ${against}`, async ({ kept }) => {
    const result = await kept.evaluate(
      async ({ name, count }) => {
        type Run = typeof import('../harness/cases/run_cases.ts');
        const { runCases } = (await import('/harness/cases/run_cases.ts' as string)) as Run;
        type Oracles = typeof import('../harness/oracles/index.ts');
        const { oracleFor } = (await import('/harness/oracles/index.ts' as string)) as Oracles;
        type Device = typeof import('./kept_device.ts');
        const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as Device;
        const oracle = await oracleFor(name);
        return runCases(name, 1, 0, count, await keptDevice(), { oracle, atBoundaries: true });
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
