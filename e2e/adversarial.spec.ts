import { existsSync } from 'node:fs';
import { ADVERSARIAL, adversarialFile } from '../tests/helpers/adversarial.ts';
import { expect, test } from './gpu.ts';
import { recordedOnGpu } from './recorded.ts';

for (const [engine, name] of ADVERSARIAL)
  test(`${engine} on the GPU equals ${name}, recorded at rounding ties`, async ({ gpu }) => {
    const file = adversarialFile(name);
    test.skip(!existsSync(file), 'needs ../shared');
    const { elements, ...result } = await recordedOnGpu(gpu, engine, file);
    expect(elements).toBeGreaterThan(4_900);
    expect(result).toMatchObject({ mismatches: 0, refused: 0 });
  });
