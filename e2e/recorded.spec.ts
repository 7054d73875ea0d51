import { existsSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright/test';
import { ADVERSARIAL, adversarialFile, operatorOf } from '../tests/helpers/adversarial.ts';
import { expect, test } from './gpu.ts';

/** A file of operators that an engine was recorded on, on the GPU. */
const run = (page: Page, engine: string, file: string, operator?: string) =>
  page.evaluate(
    async ({ engine, base64, operator }) => {
      type Recorded = typeof import('../harness/cases/recorded_cases.ts');
      const { recordedCases } = (await import('/harness/cases/recorded_cases.ts' as string)) as Recorded;
      type Npz = typeof import('../harness/numpy/npz.ts');
      const { openNpz } = (await import('/harness/numpy/npz.ts' as string)) as Npz;
      type Run = typeof import('../harness/cases/run_cases.ts');
      const { runRecordedCase } = (await import('/harness/cases/run_cases.ts' as string)) as Run;
      type Engines = typeof import('../src/engines/index.ts');
      const { findEngine } = (await import('/src/engines/index.ts' as string)) as Engines;
      type Device = typeof import('./kept_device.ts');
      const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as Device;
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const device = await keptDevice();
      let [cases, elements, mismatches] = [0, 0, 0];
      const npz = openNpz(bytes);
      for (const recorded of recordedCases(operator ? { ...npz, text: () => operator } : npz, engine)) {
        cases++;
        elements += recorded.expected.length;
        mismatches += await runRecordedCase(recorded, device, findEngine(engine));
      }
      return { cases, elements, mismatches };
    },
    { engine, base64: readFileSync(file).toString('base64'), operator },
  );

for (const [engine, name] of ADVERSARIAL)
  test(`${engine} on the GPU equals ${name}, recorded at rounding ties`, async ({ kept }) => {
    const file = adversarialFile(name);
    test.skip(!existsSync(file), 'needs ../shared');
    const { elements, mismatches } = await run(kept, engine, file, operatorOf(name));
    expect(elements).toBeGreaterThan(4_900);
    expect(mismatches).toBe(0);
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
    const { cases, mismatches } = await run(kept, engine, file);
    expect({ cases, mismatches }).toEqual({ cases: name.endsWith('_conv') ? 90 : 16, mismatches: 0 });
  });
