import { existsSync, readFileSync } from 'node:fs';
import { ADVERSARIAL, adversarialFile } from '../tests/helpers/adversarial.ts';
import { expect, test } from './gpu.ts';

for (const [engine, name] of ADVERSARIAL)
  test(`${engine} on the GPU equals ${name}, recorded at rounding ties`, async ({ gpu }) => {
    const file = adversarialFile(name);
    test.skip(!existsSync(file), 'needs ../shared');
    const result = await gpu.evaluate(
      async ({ engine, base64 }) => {
        type Recorded = typeof import('../harness/cases/recorded_cases.ts');
        const { recordedCases } = (await import('/harness/cases/recorded_cases.ts' as string)) as Recorded;
        type Npz = typeof import('../harness/numpy/npz.ts');
        const { openNpz } = (await import('/harness/numpy/npz.ts' as string)) as Npz;
        type Run = typeof import('../harness/cases/run_cases.ts');
        const { runRecordedCase } = (await import('/harness/cases/run_cases.ts' as string)) as Run;
        type Engines = typeof import('../src/engines/index.ts');
        const { findEngine } = (await import('/src/engines/index.ts' as string)) as Engines;
        type Device = typeof import('../src/gpu/device.ts');
        const { requestDevice } = (await import('/src/gpu/device.ts' as string)) as Device;
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const device = await requestDevice();
        let [elements, mismatches] = [0, 0];
        for (const recorded of recordedCases(openNpz(bytes), engine)) {
          elements += recorded.expected.length;
          mismatches += await runRecordedCase(recorded, device, findEngine(engine));
        }
        device.destroy();
        return { elements, mismatches };
      },
      { engine, base64: readFileSync(file).toString('base64') },
    );
    expect(result.elements).toBeGreaterThan(4_900);
    expect(result.mismatches).toBe(0);
  });
