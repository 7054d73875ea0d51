import type { Constant } from '../graph/graph.ts';
import type { TypedGraph } from '../layers/operator.ts';
import { packedBytes } from '../layers/layout.ts';
import { boundBytes } from '../kernels/software/lengths.ts';
import { tensorsRead, type Step } from '../kernels/step.ts';

/** The first and the last step during which a tensor has to be in memory. */
interface Lifetime {
  readonly from: number;
  readonly to: number;
}

type Ends = Pick<TypedGraph, 'inputs' | 'outputs' | 'constants'>;

/** Outputs that no step computes: they are in memory from the start, and stay there. */
export const constantOutputs = ({ outputs, constants }: Ends): readonly Constant[] =>
  outputs.flatMap((name) => constants.get(name) ?? []);

/**
 * Of every tensor that has memory of its own: inputs from the start to their last reader, outputs from their step to
 * the end, which is behind the last step. A tensor that a fused step keeps to itself is none of them.
 */
export function lifetimes(
  graph: Ends,
  steps: readonly Step[],
  memoryOf: (tensor: string) => string,
): Map<string, Lifetime> {
  const given = [...graph.inputs, ...constantOutputs(graph)];
  const lives = new Map<string, Lifetime>(given.map(({ name }) => [name, { from: 0, to: 0 }]));
  const lastsUntil = (name: string, to: number): void => {
    const { from } = lives.get(name)!;
    lives.set(name, { from, to });
  };
  for (const [index, step] of steps.entries()) {
    for (const tensor of tensorsRead(step)) lastsUntil(memoryOf(tensor), index);
    // a step may go on with what another has written
    lives.set(step.output, { from: lives.get(step.output)?.from ?? index, to: index });
  }
  for (const name of graph.outputs) lastsUntil(memoryOf(name), steps.length);
  return lives;
}

/** Bytes of each tensor's memory: as many as any step binds. */
function bytesOf(graph: TypedGraph, steps: readonly Step[], memoryOf: (tensor: string) => string): Map<string, number> {
  const given = [...graph.inputs, ...constantOutputs(graph)];
  const bytes = new Map<string, number>(given.map((info) => [info.name, packedBytes(info)]));
  for (const step of steps)
    for (const name of [...tensorsRead(step), step.output]) {
      const memory = memoryOf(name);
      bytes.set(memory, Math.max(bytes.get(memory) ?? 0, boundBytes(step, graph.tensors.get(name)!)));
    }
  return bytes;
}

/**
 * Memory by lifetime, the largest tensors first: each takes the smallest buffer whose tensors do not live when it does,
 * or a new one (Pisarchyk and Lee 2020, greedy by size for shared objects). One buffer with offsets could be
 * smaller, but WebGPU lets no dispatch read and write the same buffer.
 */
export function assignBuffers(
  graph: TypedGraph,
  steps: readonly Step[],
  memoryOf: (tensor: string) => string,
): { bufferOf: Map<string, number>; buffers: number[] } {
  const buffers: number[] = [];
  const tenants: Lifetime[][] = [];
  const bufferOf = new Map<string, number>();
  const bytes = bytesOf(graph, steps, memoryOf);
  const overlap = (a: Lifetime, b: Lifetime): boolean => a.from <= b.to && b.from <= a.to;
  const bySize = [...lifetimes(graph, steps, memoryOf)]
    .map(([name, life]) => ({ name, life, size: bytes.get(name)! }))
    .sort((a, b) => b.size - a.size);
  for (const { name, life, size } of bySize) {
    // all buffers are at least as large; the last of them is the smallest
    let chosen = tenants.findLastIndex((lives) => !lives.some((other) => overlap(life, other)));
    if (chosen < 0) {
      chosen = buffers.push(size) - 1;
      tenants.push([]);
    }
    tenants[chosen]!.push(life);
    bufferOf.set(name, chosen);
  }
  for (const tensor of graph.tensors.keys()) {
    const buffer = bufferOf.get(memoryOf(tensor));
    if (buffer !== undefined) bufferOf.set(tensor, buffer);
  }
  return { bufferOf, buffers };
}
