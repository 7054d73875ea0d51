import type { Graph } from '../graph/graph.ts';
import { endingAt } from '../graph/rewrite.ts';
import type { ReadOptions } from './onnx/read.ts';

/** @throws InvalidInputError where `outputs` has a tensor that no node computes */
export function ending(graph: Graph, { outputs }: ReadOptions): Graph {
  return outputs ? { ...graph, nodes: endingAt(graph.nodes, outputs), outputs } : graph;
}
