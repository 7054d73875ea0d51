import { existsSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright/test';
import { ADVERSARIAL, adversarialFile, operatorOf } from '../tests/helpers/adversarial.ts';
import { LONG } from '../tests/helpers/long.ts';
import { expect, test } from './gpu.ts';

/**
 * A file of operators that an engine was recorded on, on the GPU.
 *
 * @param every of its cases, each so-many-th
 * @param output what is expected of a model
 * @param operator of all cases, where the file does not say it
 */
const run = (page: Page, engine: string, file: string, { every = 1, output = 'y', operator = '' } = {}) =>
  page.evaluate(
    async ({ engine, base64, every, output, operator }) => {
      type Recorded = typeof import('../harness/cases/recorded_cases.ts');
      const { recordedCases } = (await import('/harness/cases/recorded_cases.ts' as string)) as Recorded;
      type Npz = typeof import('../harness/numpy/npz.ts');
      const { openNpz } = (await import('/harness/numpy/npz.ts' as string)) as Npz;
      type Run = typeof import('../harness/cases/run_cases.ts');
      const { compareRecordedOnGpu } = (await import('/harness/cases/run_cases.ts' as string)) as Run;
      type Engines = typeof import('../src/engines/index.ts');
      const { findEngine } = (await import('/src/engines/index.ts' as string)) as Engines;
      type Device = typeof import('./kept_device.ts');
      const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as Device;
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const device = await keptDevice();
      const npz = openNpz(bytes);
      const all = recordedCases(operator ? { ...npz, text: () => operator } : npz, engine, output);
      const cases = all.filter((_, i) => i % every === 0);
      const result = await compareRecordedOnGpu(cases, device, findEngine(engine));
      return {
        cases: cases.length,
        elements: cases.reduce((sum, { expected }) => sum + expected.length, 0),
        ...result,
      };
    },
    { engine, base64: readFileSync(file).toString('base64'), every, output, operator },
  );

for (const [engine, name] of ADVERSARIAL)
  test(`${engine} on the GPU equals ${name}, recorded at rounding ties`, async ({ kept }) => {
    const file = adversarialFile(name);
    test.skip(!existsSync(file), 'needs ../shared');
    const { elements, mismatches, refused } = await run(kept, engine, file, { operator: operatorOf(name) });
    expect(elements).toBeGreaterThan(4_900);
    expect({ mismatches, refused }).toEqual({ mismatches: 0, refused: 0 });
  });

// those of fbgemm-avx2, and adds: by the command, e2e/torch.spec.ts
for (const [engine, name] of [
  ['qnnpack', 'qnnpack_conv'],
  ['fbgemm', 'fbgemm_conv'],
  ['onednn', 'onednn_conv'],
  ['x86', 'x86_conv'],
  ['qnnpack', 'qnnpack_add'],
] as const)
  test(`${engine} on the GPU equals the recorded operators ${name} (needs ../shared)`, async ({ kept }) => {
    const file = `../shared/goldens/operators/pytorch_${name}.npz`;
    test.skip(!existsSync(file), 'needs ../shared');
    const { cases, mismatches, refused } = await run(kept, engine, file);
    expect({ cases, mismatches, refused }).toEqual({
      cases: name.endsWith('_conv') ? 90 : 16,
      mismatches: 0,
      refused: 0,
    });
  });

// the host computes all 559, in src/engines/onnxruntime_arm64.test.ts
for (const [engine, output] of [
  ['onnxruntime-arm64', 'y'],
  ['onnxruntime-arm64-nodot', 'y_cortex_a72'],
] as const)
  test(`${engine} on the GPU equals operators recorded on ARM (needs ../shared)`, async ({ kept }) => {
    const file = '../shared/goldens/operators/onnxruntime_arm64.npz';
    test.skip(!existsSync(file), 'needs ../shared');
    const { cases, mismatches, refused } = await run(kept, engine, file, { every: LONG ? 1 : 8, output });
    const expected = LONG ? { cases: 559, refused: 0 } : { cases: 70, refused: 0 };
    expect({ cases, mismatches, refused }).toEqual({ ...expected, mismatches: 0 });
  });
