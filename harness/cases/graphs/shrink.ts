import type { OnnxModel } from '../../../models/onnx_writer.ts';
import { without } from './mutate.ts';

/** Every model that is smaller by one output, one node, or one attribute. */
function* smaller(model: OnnxModel): Generator<OnnxModel> {
  if (model.outputs.length > 1)
    for (const output of model.outputs) yield { ...model, outputs: model.outputs.filter((o) => o !== output) };
  for (const node of model.nodes.toReversed()) {
    const isOutput = model.outputs.some(({ name }) => node.outputs.includes(name));
    const isUsed = model.nodes.some(({ inputs }) => inputs.some((input) => node.outputs.includes(input)));
    if (!isUsed && !isOutput) yield { ...model, nodes: model.nodes.filter((n) => n !== node) };
    else if (!isOutput) {
      yield without(model, node);
      const pair = model.nodes.find((n) => node.op === 'QuantizeLinear' && n.inputs[0] === node.outputs[0]);
      if (pair && !model.outputs.some(({ name }) => pair.outputs.includes(name))) {
        const first = without(model, node);
        yield without(
          first,
          first.nodes.find(({ name }) => name === pair.name)!,
        );
      }
    } else if (!isUsed && node.inputs[0] && model.nodes.some(({ outputs }) => outputs.includes(node.inputs[0]!)))
      yield {
        ...model,
        nodes: model.nodes.filter((n) => n !== node),
        outputs: model.outputs.map((o) =>
          node.outputs.includes(o.name) ? { name: node.inputs[0]!, type: o.type } : o,
        ),
      };
  }
}

/** The smallest model found, one step after the other, of which `fails` is still true. */
export async function shrink(model: OnnxModel, fails: (model: OnnxModel) => Promise<boolean>): Promise<OnnxModel> {
  let [best, found] = [model, true];
  // a failure that goes away in steps of two stays as it is; so do huge ones
  for (let budget = 300; found && budget > 0;) {
    found = false;
    for (const candidate of smaller(best)) {
      if (budget-- <= 0) break;
      if (!(await fails(candidate))) continue;
      best = candidate;
      found = true;
      break;
    }
  }
  return withoutUnusedConstants(best);
}

function withoutUnusedConstants(model: OnnxModel): OnnxModel {
  const used = new Set(model.nodes.flatMap(({ inputs }) => inputs));
  return { ...model, constants: model.constants.filter(({ name }) => used.has(name)) };
}
