import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recordedCases } from '../../harness/cases/recorded_cases.ts';
import { openNpz } from '../../harness/numpy/npz.ts';
import { inferGraph } from '../layers/infer.ts';
import { referenceTrace } from '../plan/reference.ts';
import { findEngine } from './index.ts';
import { ADVERSARIAL, adversarialFile } from '../../tests/helpers/adversarial.ts';
import { shared, sharedAvailable } from '../../tests/helpers/recorded_cases.ts';

describe.skipIf(!sharedAvailable)(`operators recorded at rounding ties (needs ${shared})`, () => {
  it.each(ADVERSARIAL)('%s computes %s', (engineName, name) => {
    const engine = findEngine(engineName);
    const cases = recordedCases(openNpz(readFileSync(adversarialFile(name))), engineName);
    let [missed, elements] = [0, 0];
    for (const { graph, feeds, expected } of cases) {
      const { data } = referenceTrace({ graph: inferGraph(graph, engine), engine }, feeds).outputs['y']!;
      elements += expected.length;
      for (let i = 0; i < expected.length; i++) missed += Number(data[i] !== expected[i]);
    }
    expect(elements).toBeGreaterThan(4_900);
    expect(missed).toBe(0);
  });

  it('are all there', () => {
    for (const [, name] of ADVERSARIAL) expect(existsSync(adversarialFile(name))).toBe(true);
  });
});
