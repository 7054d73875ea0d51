import type { TypedGraph } from '../../src/layers/operator.ts';
import type { InferenceSession } from '../../src/session/session.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { TracedTensor } from '../../src/trace.ts';
import type { Oracle } from '../oracles/onnxruntime_web.ts';
import type { WatchedTensor } from '../oracles/watch_outputs.ts';
import type { Verification } from '../worker/protocol.ts';
import { compareTensor, sameTensor, summarize, type NamedTensor } from './compare.ts';

type Feeds = Readonly<Record<string, Tensor>>;

/** The tensors that a graph computes, and a reference is asked for: all but the inputs. */
export function computedTensors({ nodes, tensors }: TypedGraph): WatchedTensor[] {
  return nodes
    .flatMap((node) => node.outputs)
    .map((name) => {
      const { type, quantization } = tensors.get(name)!;
      return { name, type, ...(quantization && { zeroPoint: quantization.zeroPoint[0]! }) };
    });
}

/**
 * Compares every tensor of a session that the oracle has with the oracle's, end to end from the same inputs, and `runs` runs of the
 * session with each other, traced and untraced.
 */
export async function verify(
  session: InferenceSession,
  oracle: Oracle,
  feeds: Feeds,
  runs: number,
): Promise<Verification> {
  const trace = await session.trace(feeds);
  const unsteady = await findUnsteady(session, feeds, trace.tensors, runs);
  const reference = await oracle.run(feeds);
  const rows = trace.tensors
    .filter(({ name, op }) => op !== 'input' && name in reference.tensors)
    .map((actual) => compareTensor(named(actual.name, reference.tensors[actual.name]!), actual, actual.op));
  const outputs = Object.entries(reference.outputs)
    .filter(([name]) => !rows.some((row) => row.name === name))
    .map(([name, expected]) => compareTensor(named(name, expected), named(name, trace.outputs[name]!), 'output'));
  const { fusion, steps } = session.plan;
  return {
    plan: { fusion, dispatches: steps.length },
    comparison: summarize([...rows, ...outputs]),
    ...(unsteady && { unsteady }),
    ...(reference.disturbed !== undefined && { onlyOutputs: reference.disturbed }),
  };
}

async function findUnsteady(
  session: InferenceSession,
  feeds: Feeds,
  first: readonly TracedTensor[],
  runs: number,
): Promise<Verification['unsteady']> {
  for (let run = 1; run <= runs; run++) {
    const outputs = Object.entries(await session.run(feeds)).map(([name, tensor]) => named(name, tensor));
    const tensors = run === 1 ? [] : (await session.trace(feeds)).tensors;
    const differing = [...tensors, ...outputs].find((again) => {
      const before = first.find(({ name }) => name === again.name);
      return before && !sameTensor(before, again);
    });
    if (differing) return { run, tensor: differing.name };
  }
  return undefined;
}

function named(name: string, { type, dims, data }: Tensor): NamedTensor {
  return { name, type, shape: dims, data };
}
