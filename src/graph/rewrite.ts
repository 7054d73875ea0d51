import { InvalidInputError } from '../errors.ts';
import { kindOf } from '../kind_of.ts';
import type { Graph, GraphNode } from './graph.ts';

/** Appends to the list of a key. */
export function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** The node that computes each tensor, and the nodes that use it. */
export function edges(graph: Graph): {
  producer: ReadonlyMap<string, GraphNode>;
  consumers: (tensor: string) => readonly GraphNode[];
} {
  const producer = new Map<string, GraphNode>();
  const consumers = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) producer.set(output, node);
    for (const input of new Set(node.inputs)) append(consumers, input, node);
  }
  return { producer, consumers: (tensor) => consumers.get(tensor) ?? [] };
}

/** The nodes that these tensors need, in their order, whatever that is. */
export function withoutDeadNodes<N extends Pick<GraphNode, 'inputs' | 'outputs'>>(
  nodes: readonly N[],
  tensors: readonly string[],
): N[] {
  const producer = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  const needed = new Set<N>();
  const waiting = [...tensors];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const node = producer.get(name);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    waiting.push(...node.inputs);
  }
  return nodes.filter((node) => needed.has(node));
}

/**
 * What a model is that ends at these tensors, in place of its own outputs.
 *
 * @throws InvalidInputError where no node computes one of them
 */
export function endingAt<N extends Pick<GraphNode, 'inputs' | 'outputs'>>(
  nodes: readonly N[],
  tensors: readonly string[],
): N[] {
  const computed = new Set(nodes.flatMap(({ outputs }) => outputs));
  const unknown = tensors.find((name) => !computed.has(name));
  if (unknown !== undefined)
    throw new InvalidInputError(
      `the model computes no tensor ${kindOf(unknown)}; it computes ${[...computed].filter(Boolean).join(', ')}`,
    );
  return withoutDeadNodes(nodes, tensors);
}
