import type { Constant, Graph, GraphNode, TensorInfo } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/tensor.ts';

type WithFeeds = Pick<Graph, 'nodes' | 'inputs' | 'outputs' | 'constants' | 'tensors'> & {
  readonly feeds: Readonly<Record<string, Tensor>>;
};

/** Several graphs as one, which has nothing in common: names get the number of their graph. */
export function sideBySide(graphs: readonly { readonly graph: Graph; readonly feeds: WithFeeds['feeds'] }[]): {
  graph: Graph;
  feeds: WithFeeds['feeds'];
} {
  const [inputs, outputs, nodes]: [TensorInfo[], string[], GraphNode[]] = [[], [], []];
  const constants = new Map<string, Constant>();
  const tensors = new Map<string, TensorInfo>();
  const feeds: Record<string, Tensor> = {};
  for (const [i, { graph, feeds: given }] of graphs.entries()) {
    const own = (name: string): string => (name === '' ? '' : `${i}_${name}`);
    const named = <T extends { readonly name: string }>(info: T): T => ({ ...info, name: own(info.name) });
    inputs.push(...graph.inputs.map(named));
    outputs.push(...graph.outputs.map(own));
    nodes.push(
      ...graph.nodes.map((node) => ({
        ...named(node),
        inputs: node.inputs.map(own),
        outputs: node.outputs.map(own),
      })),
    );
    for (const [name, constant] of graph.constants) constants.set(own(name), named(constant));
    for (const [name, info] of graph.tensors) tensors.set(own(name), named(info as TensorInfo));
    for (const [name, tensor] of Object.entries(given)) feeds[own(name)] = tensor;
  }
  return { graph: { ...graphs[0]!.graph, nodes, inputs, outputs, constants, tensors }, feeds };
}
