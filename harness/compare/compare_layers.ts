import { isByteType, type ElementData, type Graph, type GraphNode, type QuantizedType } from '../../src/graph/graph.ts';
import { inferGraph } from '../../src/layers/infer.ts';
import type { TypedGraph } from '../../src/layers/operator.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { Tensor } from '../../src/tensor.ts';
import { compareTensor, summarize, type Comparison, type TensorComparison } from './compare.ts';

type Feeds = Readonly<Record<string, Tensor>>;

/** Computes the only output of a graph of one node. */
export type LayerRunner = (graph: Graph, feeds: Feeds) => Promise<ElementData> | ElementData;

/** Some nodes of a graph, in its order, as a graph of their own: its outputs are what is used outside of them. */
export function subgraph(graph: TypedGraph, nodes: readonly GraphNode[]): Graph {
  const read = (some: readonly GraphNode[]): Set<string> =>
    new Set(some.flatMap(({ inputs }) => inputs).filter((name) => name !== ''));
  const [operands, computed] = [[...read(nodes)], nodes.flatMap(({ outputs }) => outputs)];
  const elsewhere = new Set([...graph.outputs, ...read(graph.nodes.filter((node) => !nodes.includes(node)))]);
  const quantized = (name: string): [string, QuantizedType][] => {
    const { type, quantization } = graph.tensors.get(name)!;
    return isByteType(type) && quantization ? [[name, { name, type, quantization }]] : [];
  };
  return {
    name: nodes.at(-1)!.name,
    format: graph.format,
    engine: graph.engine,
    nodes,
    inputs: operands.flatMap((name) => (computed.includes(name) ? [] : (graph.tensors.get(name) ?? []))),
    outputs: computed.filter((name) => elsewhere.has(name) || !operands.includes(name)),
    constants: new Map(operands.flatMap((operand) => entry(graph.constants, operand))),
    tensors: new Map(computed.flatMap(quantized)),
  };
}

function entry<T>(map: ReadonlyMap<string, T>, key: string): [string, T][] {
  const value = map.get(key);
  return value === undefined ? [] : [[key, value]];
}

/**
 * Computes every layer from the reference's own inputs, so that a layer which is wrong by itself is told
 * apart from one that inherits an error. What the reference does not have is computed from what it has.
 *
 * @param reference tensors by name, graph inputs included, NCHW
 */
export async function compareLayers(
  graph: TypedGraph,
  reference: ReadonlyMap<string, ElementData>,
  run: LayerRunner,
  progress: (node: GraphNode, index: number) => void = () => undefined,
): Promise<Comparison> {
  const values = new Map(reference);
  const rows: TensorComparison[] = [];
  for (const [index, node] of graph.nodes.entries()) {
    progress(node, index);
    const layer = subgraph(graph, [node]);
    const feeds = Object.fromEntries(
      layer.inputs.map(({ name, type, shape }) => [name, new Tensor(type, values.get(name)! as never, shape)]),
    );
    const info = graph.tensors.get(node.outputs[0]!)!;
    const data = await run(layer, feeds);
    const expected = reference.get(info.name);
    if (expected) rows.push(compareTensor({ ...info, data: expected }, { ...info, data }, node.op));
    else values.set(info.name, data);
  }
  return summarize(rows);
}

/** Layers on the host, in the engine's own arithmetic. */
export function layersOnHost(engine: Engine): LayerRunner {
  return (graph, feeds) =>
    referenceTrace({ graph: inferGraph(graph, engine), engine }, feeds).outputs[graph.outputs[0]!]!.data;
}
