import { checkFeeds, firstNaN, refuseNaN, tensorsOf, type Feeds } from '../feeds.ts';
import type { ElementData } from '../graph/graph.ts';
import { contextOf, operatorOf } from '../layers/infer.ts';
import { Tensor } from '../tensor.ts';
import type { Trace, TracedTensor } from '../trace.ts';
import { checkPlan } from './arguments.ts';
import { constantOutputs } from './buffers.ts';
import type { Plan } from './steps.ts';

type Referenced = Pick<Plan, 'graph' | 'engine'>;

/**
 * A plan's graph on the host, in the engine's own exact arithmetic, tensor by tensor: what the GPU has to
 * equal. Slow (seconds for a MobileNetV2), and deliberately without anything that the shaders use. Keeps
 * only the tensors that are still needed, so that the caller decides what a whole network takes.
 *
 * @throws InvalidInputError where what is fed is not what the model takes
 */
export function* referenceTensors({ graph, engine }: Referenced, feeds: Feeds): Generator<TracedTensor, void> {
  const tensors = tensorsOf(feeds, graph);
  checkFeeds(graph.inputs, tensors);
  const context = contextOf(graph, graph.tensors, engine);
  const values = new Map<string, ElementData>();
  const lastUser = new Map(graph.nodes.flatMap((node) => node.inputs.map((name) => [name, node] as const)));
  const keep = (name: string, node: string, op: string, data: ElementData, accumulators?: Int32Array): TracedTensor => {
    const { type, shape, quantization } = context.info(name);
    if (lastUser.has(name)) values.set(name, data);
    return {
      name,
      node,
      op,
      type,
      shape,
      data,
      ...(quantization ? { quantization } : {}),
      ...(accumulators ? { accumulators } : {}),
    };
  };
  for (const { name } of graph.inputs) {
    const { data } = tensors[name]!;
    const at = data instanceof Float32Array ? firstNaN(data) : -1;
    if (at >= 0) refuseNaN(name, at);
    yield keep(name, 'input', 'input', data.slice());
  }
  for (const node of graph.nodes) {
    const operand = (index: number): ElementData => {
      const name = node.inputs[index]!;
      return context.constant(name)?.data ?? values.get(name)!;
    };
    const { data, accumulators } = operatorOf(node).reference(node, context, operand);
    for (const name of node.inputs) if (lastUser.get(name) === node) values.delete(name);
    yield keep(node.outputs[0]!, node.name, node.op, data, accumulators);
  }
}

/** All tensors of `referenceTensors` at once. */
export function referenceTrace(plan: Referenced, feeds: Feeds): Trace {
  checkPlan(plan);
  const tensors = [...referenceTensors(plan, feeds)];
  const outputs: Record<string, Tensor> = {};
  for (const { name, type, shape, data } of [...tensors, ...constantOutputs(plan.graph)])
    if (plan.graph.outputs.includes(name)) outputs[name] = new Tensor(type, data.slice() as never, shape);
  return { tensors, outputs };
}
