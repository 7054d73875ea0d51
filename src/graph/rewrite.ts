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

/** The nodes that the graph's outputs need, in their order. */
export function withoutDeadNodes(nodes: readonly GraphNode[], outputs: readonly string[]): GraphNode[] {
  const needed = new Set(outputs);
  const kept: GraphNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    for (const input of node.inputs) needed.add(input);
    kept.push(node);
  }
  return kept.reverse();
}
