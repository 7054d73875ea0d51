import { UnsupportedModelError } from '../../src/errors.ts';
import { featuresOf } from '../../src/gpu/device.ts';
import type { Features } from '../../src/ops/features.ts';
import type { VariantChoice } from '../../src/ops/variant.ts';
import { createPlan, variantsFor, type Plan, type PlanOptions } from '../../src/plan/plan.ts';
import { InferenceSession } from '../../src/session.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import type { TracedTensor } from '../../src/trace.ts';
import type { Semantics } from '../../src/semantics/semantics.ts';
import { generateCase, type Case } from './generate.ts';
import type { RecordedCase } from './recorded.ts';

/** The first element of a case that differs. */
export interface CaseMismatch {
  readonly id: string;
  readonly description: string;
  readonly kernel: string;
  readonly index: number;
  readonly expected: number;
  readonly actual: number;
  readonly what: 'output' | 'accumulator';
  readonly mismatches: number;
}

export interface CasesResult {
  readonly cases: number;
  readonly elements: number;
  /** How often a case was run: by each variant that may compute it. */
  readonly runs: number;
  readonly mismatches: number;
  /** Cases that the engine or exact8 refuses by name. */
  readonly refused: number;
  /** How many runs used each kernel and form. */
  readonly coverage: Readonly<Record<string, number>>;
  readonly failures: readonly CaseMismatch[];
}

function bitsOf(data: TracedTensor['data']): ArrayLike<number | bigint> {
  return data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data;
}

function firstDifference(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): { at: number; count: number } {
  let [at, count] = [-1, 0];
  for (let i = 0; i < b.length; i++)
    if (a[i] !== b[i]) {
      if (count++ === 0) at = i;
    }
  return { at, count };
}

interface CaseResult {
  /** The kernel with what is linked behind it. */
  readonly kernel: string;
  readonly elements: number;
  readonly failure?: CaseMismatch;
}

/** Traces and runs a case by every kernel variant that may compute it, in every tile. */
async function runCase(test: Case, device: GPUDevice, features: Features): Promise<CaseResult[]> {
  const plan = createPlan(test.graph, { features });
  const expected = referenceTrace(plan, test.feeds).tensors.at(-1)!;
  const results: CaseResult[] = [];
  for (const choice of choicesFor(plan)) {
    const profile = { ...plan.profile, ...(choice ? { nodes: { [plan.steps[0]!.node]: choice } } : {}) };
    results.push(await runVariant(test, device, { features, profile }, expected));
  }
  return results;
}

/** One for each admitted variant and tile of the only step; one `undefined` where there is no choice. */
function choicesFor(plan: Plan): (VariantChoice | undefined)[] {
  const admitted = variantsFor(plan, plan.steps[0]!.node).filter((option) => option.admitted === true);
  const choices = admitted.flatMap(({ variant, tiles }): VariantChoice[] =>
    tiles.length > 0 ? tiles.map((tile) => ({ variant, tile })) : [{ variant }],
  );
  return choices.length > 0 ? choices : [undefined];
}

async function runVariant(
  test: Case,
  device: GPUDevice,
  options: PlanOptions,
  reference: TracedTensor,
): Promise<CaseResult> {
  const session = await InferenceSession.create(test.graph, { device, ...options });
  try {
    const step = session.plan.steps[0]!;
    const actual = await session.trace(test.feeds, { accumulators: true });
    const kernel = [step.kernel, ...step.links].join(' ');
    const y = actual.tensors.at(-1)!;
    const again = await session.run(test.feeds);
    for (const [what, got, wanted] of [
      ['output', bitsOf(y.data), bitsOf(reference.data)],
      ['output', bitsOf(again['y']!.data), bitsOf(reference.data)],
      ['accumulator', y.accumulators ?? [], y.accumulators ? (reference.accumulators ?? []) : []],
    ] as const) {
      const { at, count } = firstDifference(got, wanted);
      if (count > 0) {
        const failure: CaseMismatch = {
          id: test.id,
          description: test.description,
          kernel,
          what,
          index: at,
          expected: Number(wanted[at]),
          actual: Number(got[at]),
          mismatches: count,
        };
        return { kernel, elements: reference.data.length, failure };
      }
    }
    return { kernel, elements: reference.data.length };
  } finally {
    session.release();
  }
}

/** How many elements of a recorded case the GPU gives otherwise. */
export async function runRecordedCase(
  { graph, feeds, expected }: RecordedCase,
  device: GPUDevice,
  semantics: Semantics,
): Promise<number> {
  const session = await InferenceSession.create(graph, { device, semantics });
  try {
    return firstDifference(bitsOf((await session.run(feeds))['y']!.data), bitsOf(expected)).count;
  } finally {
    session.release();
  }
}

/**
 * Generated cases `from` to `to - 1` on a device: each is traced and run by every kernel variant that may
 * compute it, and compared with the host reference.
 */
export async function runCases(
  semantics: string,
  seed: number,
  from: number,
  to: number,
  device: GPUDevice,
  features: Features = featuresOf(device),
): Promise<CasesResult> {
  const failures: CaseMismatch[] = [];
  const coverage: Record<string, number> = {};
  let [elements, runs, mismatches, refused] = [0, 0, 0, 0];
  for (let index = from; index < to; index++) {
    const test = generateCase(semantics, seed, index);
    try {
      for (const result of await runCase(test, device, features)) {
        runs++;
        elements += result.elements;
        coverage[result.kernel] = (coverage[result.kernel] ?? 0) + 1;
        if (result.failure) {
          mismatches += result.failure.mismatches;
          failures.push(result.failure);
        }
      }
    } catch (error) {
      if (!(error instanceof UnsupportedModelError))
        throw new Error(`${test.id} (${test.description}): ${String(error)}`, { cause: error });
      refused++;
    }
  }
  return { cases: to - from, elements, runs, mismatches, refused, coverage, failures };
}
