import { GraphDraft } from './draft.ts';
import type { Graph, GraphNode } from './graph.ts';

/** Every Concat of more than `most` 8-bit tensors as Concats of Concats, each of at most `most`. Changes no value. */
export function withShortConcats(graph: Graph, most: number): Graph {
  const draft = new GraphDraft(graph);
  for (const node of graph.nodes) {
    const output = draft.quantized(node.outputs[0]!);
    if (node.op !== 'Concat' || node.inputs.length <= most || !output) continue;
    const parts: GraphNode[] = [];
    const shorten = (inputs: readonly string[]): readonly string[] => {
      if (inputs.length <= most) return inputs;
      const runs = Array.from({ length: Math.ceil(inputs.length / most) }, (_, i) =>
        inputs.slice(i * most, (i + 1) * most),
      );
      return shorten(
        runs.map((run) => {
          if (run.length === 1) return run[0]!;
          const part = draft.declare(`${output.name}.part`, output.type, output.quantization);
          parts.push({ ...node, name: `${node.name}.part.${parts.length}`, inputs: run, outputs: [part] });
          return part;
        }),
      );
    };
    const inputs = shorten(node.inputs);
    draft.replace(node, [...parts, { ...node, inputs }]);
  }
  return { ...graph, nodes: draft.nodes, tensors: draft.tensors };
}
