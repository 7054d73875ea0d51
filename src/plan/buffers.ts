import type { TypedGraph } from '../ops/op.ts';
import type { Step } from '../ops/step.ts';

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
    for (const operand of step.operands) if ('tensor' in operand) lastUse.set(memoryOf(operand.tensor), index);
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
    const read = step.operands.flatMap((operand) => ('tensor' in operand ? [memoryOf(operand.tensor)] : []));
    for (const tensor of new Set(read)) if (lastUse.get(tensor) === index) free.add(bufferOf.get(tensor)!);
  }
  for (const tensor of graph.tensors.keys()) bufferOf.set(tensor, bufferOf.get(memoryOf(tensor))!);
  return { bufferOf, buffers };
}
