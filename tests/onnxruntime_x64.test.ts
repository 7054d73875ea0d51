import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recordedCases } from '../harness/cases/recorded.ts';
import { openNpz } from '../harness/numpy/npz.ts';
import { inferGraph } from '../src/ops/infer.ts';
import { referenceTrace } from '../src/plan/reference.ts';
import { findSemantics } from '../src/semantics/index.ts';

const RECORDED = '../shared/goldens/operators/onnxruntime_x64_add.npz';

/** How many of the recorded elements an engine of exact8's gives otherwise, and of how many. */
function missed(engine: string): { missed: number; elements: number } {
  const semantics = findSemantics(engine);
  let [wrong, elements] = [0, 0];
  for (const { graph, feeds, expected } of recordedCases(openNpz(readFileSync(RECORDED)), engine)) {
    const { data } = referenceTrace({ graph: inferGraph(graph, semantics), semantics }, feeds).outputs['y']!;
    elements += expected.length;
    for (let i = 0; i < expected.length; i++) wrong += Number(data[i] !== expected[i]);
  }
  return { missed: wrong, elements };
}

describe.skipIf(!existsSync(RECORDED))("adds recorded from onnxruntime's Python wheel on x86-64, in ../shared", () => {
  it('equal onnxruntime-x64 in every element', () => {
    const result = missed('onnxruntime-x64');
    expect(result.elements).toBeGreaterThan(500_000);
    expect(result.missed).toBe(0);
  });
  it('are told apart from the web build, which gives some of them otherwise', () => {
    const result = missed('onnxruntime');
    expect(result.missed).toBeGreaterThan(0);
  });
});
