import { InvalidInputError } from '../errors.ts';
import type { ElementData } from '../graph/graph.ts';
import { contextOf, opOf } from '../ops/infer.ts';
import { Tensor } from '../tensor.ts';
import type { Trace, TracedTensor } from '../trace.ts';
import type { Plan } from './plan.ts';

/**
 * A plan's graph on the host, in the engine's own exact arithmetic: what the GPU has to equal. Slow
 * (seconds for a MobileNetV2), and deliberately without anything that the shaders use.
 */
export function referenceTrace(
  plan: Pick<Plan, 'graph' | 'semantics'>,
  feeds: Readonly<Record<string, Tensor>>,
): Trace {
  const { graph, semantics } = plan;
  const context = contextOf(graph, graph.tensors, semantics, false);
  const values = new Map<string, ElementData>();
  const tensors: TracedTensor[] = [];
  const keep = (name: string, node: string, op: string, data: ElementData, accumulators?: Int32Array): void => {
    const { type, shape, quantization } = context.info(name);
    values.set(name, data);
    tensors.push({
      name,
      node,
      op,
      type,
      shape,
      data,
      ...(quantization ? { quantization } : {}),
      ...(accumulators ? { accumulators } : {}),
    });
  };
  for (const input of graph.inputs) {
    const feed = feeds[input.name];
    if (!feed) throw new InvalidInputError(`input '${input.name}' was not fed`);
    keep(input.name, 'input', 'input', feed.data);
  }
  for (const node of graph.nodes) {
    const operand = (index: number): ElementData => {
      const name = node.inputs[index]!;
      return context.constant(name)?.data ?? values.get(name)!;
    };
    const { data, accumulators } = opOf(node).reference(node, context, operand);
    keep(node.outputs[0]!, node.name, node.op, data, accumulators);
  }
  const outputs: Record<string, Tensor> = {};
  for (const name of graph.outputs) {
    const info = context.info(name);
    outputs[name] = new Tensor(info.type, values.get(name)! as never, info.shape);
  }
  return { tensors, outputs };
}
