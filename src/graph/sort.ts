import { InvalidModelError } from '../errors.ts';
import type { GraphNode } from './graph.ts';
import { append } from './rewrite.ts';

function isSorted(nodes: readonly GraphNode[], given: ReadonlySet<string>): boolean {
  const defined = new Set(given).add('');
  return nodes.every((node) => {
    const ready = node.inputs.every((input) => defined.has(input));
    for (const output of node.outputs) defined.add(output);
    return ready;
  });
}

/**
 * Nodes in an order in which every operand is defined before it is used; the given order where it is one.
 *
 * @throws InvalidModelError for a cycle, an operand or output that nothing defines, or one defined twice
 */
export function sortNodes(
  nodes: readonly GraphNode[],
  given: ReadonlySet<string>,
  outputs: readonly string[],
): GraphNode[] {
  const producer = new Map<string, GraphNode>();
  for (const node of nodes)
    for (const output of node.outputs) {
      if (producer.has(output) || given.has(output))
        throw new InvalidModelError(`tensor '${output}' is defined twice (again by node '${node.name}')`);
      producer.set(output, node);
    }
  const waiting = new Map<GraphNode, number>();
  const consumers = new Map<GraphNode, GraphNode[]>();
  for (const node of nodes) {
    let count = 0;
    for (const input of node.inputs) {
      if (input === '' || given.has(input)) continue;
      const source = producer.get(input);
      if (!source)
        throw new InvalidModelError(
          `node '${node.name}' (${node.op}) uses '${input}', which is no input, no initializer and no node's output`,
        );
      count++;
      append(consumers, source, node);
    }
    waiting.set(node, count);
  }
  for (const output of outputs)
    if (!producer.has(output) && !given.has(output))
      throw new InvalidModelError(`graph output '${output}' is not computed by any node`);
  if (isSorted(nodes, given)) return [...nodes];
  const sorted: GraphNode[] = [];
  const ready = nodes.filter((node) => waiting.get(node) === 0);
  // grows while it is walked
  for (const node of ready) {
    sorted.push(node);
    for (const consumer of consumers.get(node) ?? []) {
      const left = waiting.get(consumer)! - 1;
      waiting.set(consumer, left);
      if (left === 0) ready.push(consumer);
    }
  }
  if (sorted.length < nodes.length) {
    const stuck = nodes.find((node) => waiting.get(node)! > 0)!;
    throw new InvalidModelError(`the graph has a cycle through node '${stuck.name}' (${stuck.op})`);
  }
  return sorted;
}
