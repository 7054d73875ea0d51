import { NoOracleError } from '../../oracles/onnxruntime_web.ts';
import { writeOnnx } from '../../../models/onnx_writer.ts';
import { InvalidInputError, InvalidModelError, UnsupportedModelError } from '../../../src/errors.ts';
import { featuresOf } from '../../../src/gpu/device.ts';
import { readModel } from '../../../src/formats/index.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import type { Features } from '../../../src/kernels/features.ts';
import { createPlan } from '../../../src/plan/plan.ts';
import { referenceTrace } from '../../../src/plan/reference.ts';
import { InferenceSession } from '../../../src/session/session.ts';
import type { SessionOptions } from '../../../src/session/options.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { bitsOf, firstDifference, type Bits } from '../../compare/bits.ts';
import type { Oracle } from '../run_cases.ts';
import { generateGraph, type GraphKind } from './generate.ts';
import { shrink } from './shrink.ts';

/** A graph that gives other bits, as small as it could be made. */
export interface GraphMismatch {
  readonly id: string;
  readonly between: 'GPU and onnxruntime' | 'host and onnxruntime' | 'exact8 fails';
  /** The first output that differs and how, or the error. */
  readonly what: string;
  /** The operators that are left. */
  readonly operators: string;
  /** The bytes of the ONNX file. */
  readonly model: readonly number[];
}

export interface GraphsResult {
  readonly graphs: number;
  readonly equal: number;
  /** How many of them were run on the GPU, too. */
  readonly onGpu: number;
  readonly elements: number;
  readonly refusedByOnnxruntime: number;
  /** Refused by exact8 though onnxruntime-web runs them in integers: how often, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Refused because onnxruntime-web computes an operator of them in float32. */
  readonly inFloat: Readonly<Record<string, number>>;
  readonly refusedIds: readonly string[];
  readonly failures: readonly GraphMismatch[];
}

type Outputs = Readonly<Record<string, Tensor>>;
type Verdict =
  | { readonly kind: 'equal'; readonly elements: number }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'refused by onnxruntime'; readonly reason: string }
  | { readonly kind: 'differs'; readonly between: GraphMismatch['between']; readonly what: string };

const REFUSALS = [InvalidInputError, InvalidModelError, UnsupportedModelError];

/** What exact8's host reference, and the GPU of a device, make of a model beside an engine that reads the file. */
export async function compareGraph(
  file: Uint8Array<ArrayBuffer>,
  feeds: Outputs,
  oracle: Oracle,
  {
    device,
    features,
    engine,
    shapes = {},
  }: {
    readonly device?: GPUDevice | undefined;
    /** What the device is taken to have; default: what it has. */
    readonly features?: Features | undefined;
    readonly engine?: string | undefined;
    /** Of inputs that the model leaves open. */
    readonly shapes?: Readonly<Record<string, readonly number[]>>;
  } = {},
): Promise<Verdict> {
  const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
  let theirs: Outputs;
  try {
    theirs = await oracle(file, feeds);
  } catch (error) {
    if (error instanceof NoOracleError) throw error;
    return { kind: 'refused by onnxruntime', reason: reason(error) };
  }
  try {
    const graph = { ...readModel(file), ...(engine !== undefined && { engine }) };
    const plan = createPlan(graph, { shapes });
    const host = differing(referenceTrace(plan, feeds).outputs, theirs);
    if (host) return { kind: 'differs', between: 'host and onnxruntime', what: host };
    const gpu = device && differing(await onGpu(graph, feeds, { device, ...(features && { features }) }), theirs);
    if (gpu) return { kind: 'differs', between: 'GPU and onnxruntime', what: gpu };
    return { kind: 'equal', elements: Object.values(theirs).reduce((sum, { data }) => sum + data.length, 0) };
  } catch (error) {
    if (REFUSALS.some((type) => error instanceof type)) return { kind: 'refused', reason: reason(error) };
    return {
      kind: 'differs',
      between: 'exact8 fails',
      what: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

/** Traced and run, which fuses steps: what is compared is what both give. */
async function onGpu(graph: Graph, feeds: Outputs, options: SessionOptions): Promise<Outputs> {
  const session = await InferenceSession.create(graph, options);
  try {
    const { outputs } = await session.trace(feeds);
    return differing(await session.run(feeds), outputs) === undefined ? outputs : await session.run(feeds);
  } finally {
    session.release();
  }
}

/** The first output that is not the same. */
function differing(mine: Outputs, theirs: Outputs): string | undefined {
  for (const [name, expected] of Object.entries(theirs)) {
    const actual = mine[name];
    const shape = (tensor: Tensor | undefined): string =>
      tensor ? `${tensor.type} [${tensor.dims.join(', ')}]` : 'nothing';
    if (shape(actual) !== shape(expected)) return `${name}: ${shape(actual)}, expected ${shape(expected)}`;
    const { at, count } = firstDifference(
      ...([actual!, expected].map(({ data }) => bitsOf(oneNan(data))) as [Bits, Bits]),
    );
    if (count > 0)
      return `${name}: ${count} of ${expected.data.length} differ, first [${at}]: expected ${expected.data[at]}, got ${actual!.data[at]}`;
  }
  return undefined;
}

/** Of NaN the bits are nobody's promise. */
const oneNan = (data: Tensor['data']): Tensor['data'] =>
  data instanceof Float32Array ? data.map((x) => (Number.isNaN(x) ? NaN : x)) : data;

/** A message without what belongs to one graph: names, numbers. */
const kindOf = (message: string): string =>
  message
    .replace(/^node '[^']*'/, 'node')
    .replace(/'[^']*'/g, '_')
    .replace(/-?\d+(\.\d+)?(e-?\d+)?/g, '#')
    .split(';')[0]!
    .replace(/(node _ \(\w+\)(, )?)+(?=\)?$)/, 'others');

/** Does a refusal say that onnxruntime leaves an operator in float32? */
const isFloat = (message: string): boolean => /in float\b|is float32|float32 output/.test(message);

/**
 * Generated graphs `from` to `to - 1`: exact8's host reference, and every `gpuEvery`-th its GPU, against an engine that
 * reads the file.
 *
 * @param engine which engine reads it; default: the file's
 */
export async function runGraphs(
  seed: number,
  from: number,
  to: number,
  oracle: Oracle,
  {
    device,
    gpuEvery = 1,
    engine,
    kind = 'graphs',
  }: {
    readonly device?: GPUDevice;
    readonly gpuEvery?: number;
    readonly engine?: string;
    readonly kind?: GraphKind;
  } = {},
): Promise<GraphsResult> {
  const known = device && (await featuresOf(device));
  let [equal, onGpuCount, elements, refusedByOnnxruntime] = [0, 0, 0, 0];
  const [refused, inFloat]: Record<string, number>[] = [{}, {}];
  const failures: GraphMismatch[] = [];
  const refusedIds: string[] = [];
  for (let index = from; index < to; index++) {
    const test = generateGraph(seed, index, kind);
    const gpu = index % gpuEvery === 0 ? device : undefined;
    // both ways to compute in float32 take turns; of two graphs in a row one is a mutant
    const isNative = Math.floor(index / gpuEvery) % 4 < 2;
    const features = known && { ...known, float32: known.float32 === true && isNative };
    const options = { device: gpu, features, engine };
    const verdict = await compareGraph(writeOnnx(test.model), test.feeds, oracle, options);
    if (verdict.kind === 'equal') {
      equal++;
      elements += verdict.elements;
      if (gpu) onGpuCount++;
    } else if (verdict.kind === 'refused by onnxruntime') refusedByOnnxruntime++;
    else if (verdict.kind === 'refused') {
      const reasons = isFloat(verdict.reason) ? inFloat! : refused!;
      if (reasons === refused) refusedIds.push(`${test.id}: ${verdict.reason}`);
      reasons[kindOf(verdict.reason)] = (reasons[kindOf(verdict.reason)] ?? 0) + 1;
    } else {
      const smaller = await shrink(test.model, async (model) => {
        const again = await compareGraph(writeOnnx(model), test.feeds, oracle, options);
        return again.kind === 'differs' && again.between === verdict.between;
      });
      const last = await compareGraph(writeOnnx(smaller), test.feeds, oracle, options);
      failures.push({
        id: test.id,
        between: verdict.between,
        what: last.kind === 'differs' ? last.what : verdict.what,
        operators: smaller.nodes.map(({ op }) => op).join(' '),
        model: [...writeOnnx(smaller)],
      });
    }
  }
  return {
    graphs: to - from,
    equal,
    onGpu: onGpuCount,
    elements,
    refusedByOnnxruntime,
    refused: refused!,
    inFloat: inFloat!,
    refusedIds,
    failures,
  };
}
