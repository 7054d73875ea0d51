import { UnsupportedModelError } from '../../src/errors.ts';
import { featuresOf } from '../../src/gpu/device.ts';
import type { Features } from '../../src/kernels/features.ts';
import type { VariantChoice } from '../../src/kernels/variant.ts';
import { shadersOf } from '../../src/kernels/step.ts';
import { createPlan, variantsFor, type Plan } from '../../src/plan/plan.ts';
import type { PlanOptions } from '../../src/plan/options.ts';
import { InferenceSession } from '../../src/session/session.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { TracedTensor } from '../../src/trace.ts';
import { FORMS } from '../../src/requantize/prove.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { bitsOf, coordinatesOf, firstDifference, type Bits } from '../compare/bits.ts';
import { graphRead } from './read.ts';
import { generateAtBoundaries, KINDS } from './at_boundaries/index.ts';
import { generateCase } from './generate.ts';
import type { Case } from './case.ts';
import { writeCase } from './onnx.ts';
import { compareRecorded, type RecordedCase, type RecordedResult } from './recorded_cases.ts';

/** An engine that reads ONNX files: what it gives for a model's inputs. */
export type Oracle = (
  model: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
) => Promise<Readonly<Record<string, Tensor>>>;

/** The first element of a case that differs. */
export interface CaseMismatch {
  readonly id: string;
  readonly description: string;
  readonly kernel: string;
  /** Who differs from whom: `actual` is the first's, `expected` the second's. */
  readonly between: 'GPU and host' | 'GPU and onnxruntime' | 'host and onnxruntime';
  readonly what: 'output' | 'accumulator';
  /** NCHW coordinates. */
  readonly index: readonly number[];
  readonly expected: number;
  readonly actual: number;
  /** The host's sum of products at this element, the bias not included; where the operator has one. */
  readonly accumulator?: number;
  readonly mismatches: number;
}

interface CaseOptions {
  /** What the device is taken to have; default: what it has. */
  readonly features?: Features;
  /** onnxruntime, to compare with. */
  readonly oracle?: Oracle | undefined;
  /** Cases where the engine's functions step, in place of random ones. */
  readonly atBoundaries?: boolean;
  /** Run each case by every variant that may compute it; otherwise variants take turns, as tiles and forms do. */
  readonly everyVariant?: boolean;
  /** Only layers of this kind, by this variant: other cases are not run. */
  readonly kind?: string | undefined;
  readonly variant?: string | undefined;
}

export interface CasesResult {
  readonly cases: number;
  readonly elements: number;
  /** How often a case was run: by each variant that may compute it. */
  readonly runs: number;
  readonly mismatches: number;
  /** Cases that the oracle computed, too. */
  readonly compared: number;
  /** Cases that exact8 refuses by name, and the engine too where one is compared with. */
  readonly refused: number;
  /** How many runs used each kernel and form. */
  readonly coverage: Readonly<Record<string, number>>;
  readonly failures: readonly CaseMismatch[];
}

/** One way to compute a case. */
export interface CaseRun {
  /** The kernels with what is linked behind them. */
  readonly kernels: readonly string[];
  readonly elements: number;
  readonly failure?: CaseMismatch;
}

/**
 * Traces and runs a case by every kernel variant that may compute it, on the host, and as a file in `engine`.
 *
 * @param turn of what comes in several sizes or forms, which of them: cases take turns
 */
async function runCase(
  test: Case,
  device: GPUDevice,
  { features, oracle, everyVariant = false, kind, variant }: CaseOptions,
  turn: number,
): Promise<CaseRun[]> {
  // what another engine reads from a file, exact8 reads from it too
  const file = oracle && writeCase(test.graph, test.form);
  const graph = graphRead(test, file);
  const plan = createPlan(graph, { features: features ?? (await featuresOf(device)) });
  const choices = choicesFor(plan, turn).filter((choice) => variant === undefined || choice?.variant === variant);
  if (choices.length === 0 || (kind !== undefined && plan.steps[0]?.variant?.kind !== kind)) return [];
  const host = referenceTrace(plan, test.feeds).tensors.at(-1)!;
  const expected = { host, onnxruntime: file && oracle && (await oracle(file, test.feeds))['y']! };
  const results: CaseRun[] = [];
  const forms = [FORMS[turn % FORMS.length]!.name];
  for (const choice of everyVariant ? choices : [choices[Math.floor(turn / FORMS.length) % choices.length]]) {
    const profile = { ...plan.profile, forms, ...(choice ? { nodes: { [plan.steps[0]!.node]: choice } } : {}) };
    results.push(await runVariant({ ...test, graph }, device, { features: plan.features, profile }, expected));
  }
  return results;
}

/** One for each admitted variant of the only step, in one of its tiles; one `undefined` where there is no choice. */
function choicesFor(plan: Plan, turn: number): (VariantChoice | undefined)[] {
  // a view has no step
  const admitted = variantsFor(plan, plan.steps[0]?.node ?? '').filter((option) => option.admitted === true);
  const choices = admitted.map(({ variant, tiles }): VariantChoice =>
    tiles.length > 0 ? { variant, tile: tiles[turn % tiles.length]! } : { variant },
  );
  return choices.length > 0 ? choices : [undefined];
}

async function runVariant(
  test: Case,
  device: GPUDevice,
  options: PlanOptions,
  { host, onnxruntime }: { readonly host: TracedTensor; readonly onnxruntime: Tensor | undefined },
): Promise<CaseRun> {
  const session = await InferenceSession.create(test.graph, { device, ...options });
  try {
    const [step] = session.plan.steps;
    const actual = await session.trace(test.feeds, { accumulators: true });
    const kernel = step ? shadersOf(step).join(' ') : 'view';
    const y = actual.tensors.at(-1)!;
    const again = bitsOf((await session.run(test.feeds))['y']!.data);
    const onHost = bitsOf(host.data);
    const outputs = (between: CaseMismatch['between'], got: Bits, wanted: Bits) =>
      mismatchOf(test, kernel, host, between, 'output', got, wanted);
    const failure =
      outputs('GPU and host', bitsOf(y.data), onHost) ??
      outputs('GPU and host', again, onHost) ??
      (y.accumulators && host.accumulators
        ? mismatchOf(test, kernel, host, 'GPU and host', 'accumulator', y.accumulators, host.accumulators)
        : undefined) ??
      (onnxruntime && outputs('GPU and onnxruntime', bitsOf(y.data), bitsOf(onnxruntime.data))) ??
      (onnxruntime && outputs('host and onnxruntime', onHost, bitsOf(onnxruntime.data)));
    return { kernels: [kernel], elements: host.data.length, ...(failure && { failure }) };
  } finally {
    session.release();
  }
}

/** The first element of a case that differs; undefined where none does. */
export function mismatchOf(
  { id, description }: Case,
  kernel: string,
  host: Pick<TracedTensor, 'shape' | 'accumulators'>,
  between: CaseMismatch['between'],
  what: CaseMismatch['what'],
  got: Bits,
  wanted: Bits,
): CaseMismatch | undefined {
  const { at, count } = firstDifference(got, wanted);
  if (count === 0) return undefined;
  const accumulator = host.accumulators?.[at];
  return {
    ...{ id, description, kernel, between, what },
    index: coordinatesOf(at, host.shape),
    expected: Number(wanted[at]),
    actual: Number(got[at]),
    ...(accumulator === undefined ? {} : { accumulator }),
    mismatches: count,
  };
}

/** Does the engine, where there is one, refuse what exact8 refuses? */
async function refuses(test: Case, oracle: Oracle | undefined): Promise<boolean> {
  if (!oracle) return true;
  return oracle(writeCase(test.graph, test.form), test.feeds).then(
    () => false,
    () => true,
  );
}

/** Recorded cases on the GPU. */
export const compareRecordedOnGpu = (
  cases: readonly RecordedCase[],
  device: GPUDevice,
  engine: Engine,
): Promise<RecordedResult> =>
  compareRecorded(cases, async ({ graph, feeds }) => {
    const session = await InferenceSession.create(graph, { device, engine });
    try {
      return Object.values(await session.run(feeds))[0]!;
    } finally {
      session.release();
    }
  });

/**
 * Generated cases `from` to `to - 1` on a device: each is traced and run by every kernel variant that may
 * compute it, and compared with the host reference and, where there is one, with another engine, which reads the
 * case as an ONNX file.
 */
export function runCases(
  engine: string,
  seed: number,
  from: number,
  to: number,
  device: GPUDevice,
  options: CaseOptions = {},
): Promise<CasesResult> {
  const generate = options.atBoundaries ? generateAtBoundaries : generateCase;
  // each kind of operator takes every form; neighbours share pipelines
  const turnOf = (index: number): number => (options.atBoundaries ? Math.floor(index / KINDS) : index);
  const run = (test: Case, index: number): Promise<CaseRun[]> => runCase(test, device, options, turnOf(index));
  return runEach(from, to, (index) => generate(engine, seed, index), run, options.oracle);
}

/** Runs cases one after the other, and adds up what came of them. */
export async function runEach(
  from: number,
  to: number,
  generate: (index: number) => Case,
  run: (test: Case, index: number) => Promise<CaseRun[]>,
  oracle?: Oracle,
): Promise<CasesResult> {
  const failures: CaseMismatch[] = [];
  const coverage: Record<string, number> = {};
  let [elements, runs, mismatches, refused, compared] = [0, 0, 0, 0, 0];
  for (let index = from; index < to; index++) {
    const test = generate(index);
    try {
      for (const result of await run(test, index)) {
        runs++;
        elements += result.elements;
        for (const kernel of result.kernels) coverage[kernel] = (coverage[kernel] ?? 0) + 1;
        if (result.failure) {
          mismatches += result.failure.mismatches;
          failures.push(result.failure);
        }
      }
      compared += Number(oracle !== undefined);
    } catch (error) {
      if (!(error instanceof UnsupportedModelError) || !(await refuses(test, oracle)))
        throw new Error(`${test.id} (${test.description}): ${String(error)}`, { cause: error });
      refused++;
    }
  }
  return { cases: to - from, elements, runs, mismatches, refused, compared, coverage, failures };
}
