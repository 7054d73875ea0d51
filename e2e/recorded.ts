import { readFileSync } from 'node:fs';
import type { Page } from 'playwright/test';

/**
 * Recorded operators on the GPU: how many elements there are, are given otherwise, and how many cases are refused.
 *
 * @param output what is expected of a model
 * @param every of the cases, each so-many-th
 */
export const recordedOnGpu = (gpu: Page, engine: string, file: string, { output = 'y', every = 1 } = {}) =>
  gpu.evaluate(
    async ({ engine, base64, output, every }) => {
      type Recorded = typeof import('../harness/cases/recorded_cases.ts');
      const { recordedCases } = (await import('/harness/cases/recorded_cases.ts' as string)) as Recorded;
      type Npz = typeof import('../harness/numpy/npz.ts');
      const { openNpz } = (await import('/harness/numpy/npz.ts' as string)) as Npz;
      type Run = typeof import('../harness/cases/run_cases.ts');
      const { compareRecordedOnGpu } = (await import('/harness/cases/run_cases.ts' as string)) as Run;
      type Engines = typeof import('../src/engines/index.ts');
      const { findEngine } = (await import('/src/engines/index.ts' as string)) as Engines;
      type Device = typeof import('../src/gpu/device.ts');
      const { requestDevice } = (await import('/src/gpu/device.ts' as string)) as Device;
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const device = await requestDevice();
      const cases = recordedCases(openNpz(bytes), engine, output).filter((_, i) => i % every === 0);
      const result = await compareRecordedOnGpu(cases, device, findEngine(engine));
      device.destroy();
      return {
        cases: cases.length,
        elements: cases.reduce((sum, { expected }) => sum + expected.length, 0),
        ...result,
      };
    },
    { engine, base64: readFileSync(file).toString('base64'), output, every },
  );
