import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareRecordedOnHost, recordedCases } from '../../harness/cases/recorded_cases.ts';
import { openNpz } from '../../harness/numpy/npz.ts';
import { findEngine } from './index.ts';
import { ADVERSARIAL, adversarialFile, operatorOf } from '../../tests/helpers/adversarial.ts';
import { shared, sharedAvailable } from '../../tests/helpers/recorded_cases.ts';

describe.skipIf(!sharedAvailable)(`operators recorded at rounding ties (needs ${shared})`, () => {
  it.each(ADVERSARIAL)('%s computes %s', async (engineName, name) => {
    const engine = findEngine(engineName);
    const npz = openNpz(readFileSync(adversarialFile(name)));
    const operator = operatorOf(name);
    const cases = recordedCases(operator ? { ...npz, text: () => operator } : npz, engineName);
    expect(cases.reduce((sum, { expected }) => sum + expected.length, 0)).toBeGreaterThan(4_900);
    expect(await compareRecordedOnHost(cases, engine)).toEqual({ mismatches: 0, refused: 0 });
  });

  it('are all there', () => {
    for (const [, name] of ADVERSARIAL) expect(existsSync(adversarialFile(name))).toBe(true);
  });
});
