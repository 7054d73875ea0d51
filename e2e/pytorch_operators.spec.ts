import { spawnSync } from 'node:child_process';
import { detectProcessor } from '../harness/cli/processor.ts';
import { engineOn } from '../harness/cli/mine.ts';
import { firstDifference, bitsOf } from '../harness/compare/bits.ts';
import { findEngine } from '../src/engines/index.ts';
import type { Runtime } from '../src/engines/origin.ts';
import { UnsupportedModelError } from '../src/errors.ts';
import { readModel } from '../src/formats/index.ts';
import { createPlan } from '../src/plan/plan.ts';
import { referenceTrace } from '../src/plan/reference.ts';
import { chosen, LONG } from '../tests/helpers/long.ts';
import { compareOperators, type Operator } from './compare_operators.ts';
import { expect, test } from './gpu.ts';
import { decode } from './onnxruntime/json.ts';
import { PYTORCH, pythonWith } from './python.ts';

const { processor } = detectProcessor();
/** Of each operator, and how many of them the GPU computes, too. */
const [COUNT, GPU_EVERY] = LONG ? [100, 10] : [4, 3];

interface Recorded extends Operator {
  readonly about: string;
  /** Why PyTorch has none. */
  readonly error?: string;
}

/** TorchScript files of one operator each, and what PyTorch computes. */
function record(python: string, engine: string): Recorded[] {
  const args = ['e2e/pytorch/operators.py', engine, '1', String(COUNT)];
  const { status, stdout, stderr } = spawnSync(python, args, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  expect(status, stderr).toBe(0);
  const cases = stdout.split('\n').filter((line) => line !== '');
  return cases.map((line) => JSON.parse(line) as Recorded);
}

/** undefined where it is refused. */
function computed({ model, feeds }: Recorded, engine: string): Float32Array | undefined {
  const input = Object.values(decode({ input: feeds[0]! as never }))[0]!;
  try {
    const graph = readModel(Uint8Array.from(atob(model), (one) => one.charCodeAt(0)));
    const plan = createPlan(graph, { engine: findEngine(engine), shapes: { input: input.dims } });
    return referenceTrace(plan, { input }).outputs['output']!.data as Float32Array;
  } catch (error) {
    if (error instanceof UnsupportedModelError) return undefined;
    throw error;
  }
}

for (const runtime of chosen(['qnnpack', 'x86'], ['fbgemm', 'onednn']))
  test(`operators of TorchScript where they step equal live PyTorch, engine ${runtime}`, async ({ kept }) => {
    test.setTimeout(900_000);
    const python = pythonWith(PYTORCH);
    test.skip(python === undefined, 'needs a Python with PyTorch');
    const engine = processor && engineOn(`pytorch-${runtime}` as Runtime, processor);
    test.skip(engine === undefined, 'needs a processor of which the engine is known');
    const cases = record(python!, runtime).filter(({ error }) => error === undefined);
    const wrong: string[] = [];
    const equal = new Map<string, number>();
    const able: Recorded[] = [];
    for (const one of cases) {
      const ours = computed(one, engine!);
      const [operator] = one.name.split('/') as [string];
      equal.set(operator, equal.get(operator) ?? 0);
      if (!ours) continue;
      able.push(one);
      const theirs = new Float32Array(Uint8Array.from(atob(one.expected), (byte) => byte.charCodeAt(0)).buffer);
      const { count } = firstDifference(bitsOf(ours), bitsOf(theirs));
      if (count > 0) wrong.push(`${one.name}, ${one.about}: ${count} of ${theirs.length}`);
      else equal.set(operator, equal.get(operator)! + 1);
    }
    expect(wrong).toEqual([]);
    expect([...equal].filter(([, count]) => count === 0)).toEqual([]);
    expect(able.length).toBeGreaterThan(cases.length * 0.7);
    const onGpu = able.filter((_, i) => i % GPU_EVERY === 0);
    expect(await kept.evaluate(compareOperators, { engine: engine!, cases: onGpu })).toEqual({ wrong: [], refused: 0 });
  });
