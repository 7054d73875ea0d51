import { UnsupportedModelError } from '../../src/errors.ts';
import { InferenceSession } from '../../src/session.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { elementCount } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { TracedTensor } from '../../src/trace.ts';
import type { Semantics } from '../../src/semantics/semantics.ts';
import { generateCase, type Case } from './generate.ts';
import { writeCase } from './onnx.ts';
import type { RecordedCase } from './recorded.ts';

/** An engine that reads ONNX files: what it gives for a model's inputs. */
export type FileEngine = (
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

export interface CasesResult {
  readonly cases: number;
  readonly elements: number;
  readonly mismatches: number;
  /** Cases that the engine or exact8 refuses by name. */
  readonly refused: number;
  /** How many cases used each kernel and form. */
  readonly coverage: Readonly<Record<string, number>>;
  readonly failures: readonly CaseMismatch[];
}

type Bits = ArrayLike<number | bigint>;

function bitsOf(data: TracedTensor['data']): Bits {
  return data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data;
}

/** The first place in which two tensors differ, and how many there are; a missing element differs. */
function firstDifference(a: Bits, b: Bits): { at: number; count: number } {
  let [at, count] = [-1, 0];
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    if (a[i] !== b[i]) {
      if (count++ === 0) at = i;
    }
  return { at, count };
}

interface Outcome {
  readonly kernel: string;
  readonly elements: number;
  readonly failure?: CaseMismatch;
}

/** Runs a case everywhere: on the GPU traced and untraced, on the host, and as a file in `engine`. */
async function runCase(test: Case, device: GPUDevice, packedDot: boolean, engine?: FileEngine): Promise<Outcome> {
  // what another engine reads from a file, exact8 reads from it too
  const file = engine && writeCase(test.graph, test.form);
  const session = await InferenceSession.create(file ?? test.graph, {
    device,
    packedDot,
    semantics: test.graph.semantics,
  });
  try {
    const step = session.plan.steps[0]!;
    const actual = await session.trace(test.feeds, { accumulators: true });
    const expected = referenceTrace(session.plan, test.feeds);
    const kernel = [step.kernel, ...step.links].join(' ');
    const [y, host] = [actual.tensors.at(-1)!, expected.tensors.at(-1)!];
    const again = bitsOf((await session.run(test.feeds))['y']!.data);
    const engines = file ? bitsOf((await engine(file, test.feeds))['y']!.data) : undefined;
    const onHost = bitsOf(host.data);
    const elements = host.data.length;
    const comparisons: (readonly [CaseMismatch['between'], CaseMismatch['what'], Bits, Bits])[] = [
      ['GPU and host', 'output', bitsOf(y.data), onHost],
      ['GPU and host', 'output', again, onHost],
      ...(y.accumulators && host.accumulators
        ? [['GPU and host', 'accumulator', y.accumulators, host.accumulators] as const]
        : []),
      ...(engines
        ? ([
            ['GPU and onnxruntime', 'output', bitsOf(y.data), engines],
            ['host and onnxruntime', 'output', onHost, engines],
          ] as const)
        : []),
    ];
    for (const [between, what, got, wanted] of comparisons) {
      const { at, count } = firstDifference(got, wanted);
      if (count === 0) continue;
      const accumulator = host.accumulators?.[at];
      const failure: CaseMismatch = {
        id: test.id,
        description: test.description,
        kernel,
        between,
        what,
        index: coordinates(at, host.shape),
        expected: Number(wanted[at]),
        actual: Number(got[at]),
        ...(accumulator === undefined ? {} : { accumulator }),
        mismatches: count,
      };
      return { kernel, elements, failure };
    }
    return { kernel, elements };
  } finally {
    session.release();
  }
}

/** Of the element at a place in C order. */
function coordinates(at: number, shape: readonly number[]): number[] {
  let rest = at;
  return shape.map((_, axis) => {
    const inner = elementCount(shape.slice(axis + 1));
    const coordinate = Math.floor(rest / inner);
    rest %= inner;
    return coordinate;
  });
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
 * Generated cases `from` to `to - 1` on a device: each is traced and run, and compared with the host reference and,
 * where there is one, with another engine, which reads the case as an ONNX file.
 */
export async function runCases(
  semantics: string,
  seed: number,
  from: number,
  to: number,
  device: GPUDevice,
  packedDot: boolean,
  engine?: FileEngine,
): Promise<CasesResult> {
  const failures: CaseMismatch[] = [];
  const coverage: Record<string, number> = {};
  let [elements, mismatches, refused] = [0, 0, 0];
  for (let index = from; index < to; index++) {
    const test = generateCase(semantics, seed, index);
    try {
      const result = await runCase(test, device, packedDot, engine);
      elements += result.elements;
      coverage[result.kernel] = (coverage[result.kernel] ?? 0) + 1;
      if (result.failure) {
        mismatches += result.failure.mismatches;
        failures.push(result.failure);
      }
    } catch (error) {
      if (!(error instanceof UnsupportedModelError))
        throw new Error(`${test.id} (${test.description}): ${String(error)}`, { cause: error });
      refused++;
    }
  }
  return { cases: to - from, elements, mismatches, refused, coverage, failures };
}
