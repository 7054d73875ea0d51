import type { TypedGraph } from '../ops/op.ts';
import { tensorsRead, type Step } from '../ops/step.ts';

/**
 * Memory by lifetime: a tensor takes the smallest free buffer that holds it, else the largest free one,
 * grown; and gives it back after its last use. Graph inputs and outputs keep theirs to the end.
 */
export function assignBuffers(
  graph: TypedGraph,
  steps: readonly Step[],
  memoryOf: (tensor: string) => string,
  bytes: (tensor: string) => number,
): { bufferOf: Map<string, number>; buffers: number[] } {
  const lastUse = new Map<string, number>();
  for (const [index, step] of steps.entries())
    for (const tensor of tensorsRead(step)) lastUse.set(memoryOf(tensor), index);
  for (const name of [...graph.outputs, ...graph.inputs.map((input) => input.name)])
    lastUse.set(memoryOf(name), steps.length);

  const buffers: number[] = [];
  const bufferOf = new Map<string, number>();
  const free = new Set<number>();
  const take = (tensor: string): void => {
    const size = bytes(tensor);
    const candidates = [...free].sort((a, b) => buffers[a]! - buffers[b]!);
    let chosen = candidates.find((index) => buffers[index]! >= size) ?? candidates.at(-1);
    if (chosen === undefined) chosen = buffers.push(0) - 1;
    buffers[chosen] = Math.max(buffers[chosen]!, size);
    free.delete(chosen);
    bufferOf.set(tensor, chosen);
  };
  for (const input of graph.inputs) take(input.name);
  for (const [index, step] of steps.entries()) {
    take(step.output);
    // only now: an output never lies in the memory of its own operands
    for (const tensor of new Set(tensorsRead(step).map(memoryOf)))
      if (lastUse.get(tensor) === index) free.add(bufferOf.get(tensor)!);
  }
  // a tensor that a fused step keeps to itself has no memory
  for (const tensor of graph.tensors.keys()) {
    const buffer = bufferOf.get(memoryOf(tensor));
    if (buffer !== undefined) bufferOf.set(tensor, buffer);
  }
  return { bufferOf, buffers };
}
