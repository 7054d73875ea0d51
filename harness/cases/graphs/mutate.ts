import type { OnnxModel, OnnxNode } from '../../../models/onnx_writer.ts';
import type { Random } from '../../../models/random.ts';
import { typesOf } from './types.ts';

/** A small change of a model, which may make it one that no engine takes; undefined where it has no place. */
type Mutation = (random: Random, model: OnnxModel) => OnnxModel | undefined;

const changed = (model: OnnxModel, node: OnnxNode, by: Partial<OnnxNode>): OnnxModel => ({
  ...model,
  nodes: model.nodes.map((n) => (n === node ? { ...n, ...by } : n)),
});

/** Everybody who uses a tensor uses another one instead. */
function rewired(model: OnnxModel, from: string, to: string): OnnxModel {
  const swap = (name: string): string => (name === from ? to : name);
  return { ...model, nodes: model.nodes.map((n) => ({ ...n, inputs: n.inputs.map(swap) })) };
}

const unused = ({ nodes, constants }: OnnxModel, like: string): string => {
  const names = new Set([...nodes.flatMap(({ outputs }) => outputs), ...constants.map(({ name }) => name)]);
  let name = `${like}_`;
  while (names.has(name)) name += '_';
  return name;
};

const insertedBefore = (model: OnnxModel, node: OnnxNode, ...added: readonly OnnxNode[]): OnnxModel => ({
  ...model,
  nodes: model.nodes.flatMap((n) => (n === node ? [...added, n] : [n])),
});

/** The tensor of bytes whose scale and zero point a node has. */
const quantizedBy = ({ op, inputs, outputs }: OnnxNode): string | undefined =>
  op === 'QuantizeLinear' ? outputs[0] : op === 'DequantizeLinear' ? inputs[0] : undefined;

/** An operand becomes another tensor or constant of its type. */
const rewire: Mutation = (random, model) => {
  const types = typesOf(model);
  const node = random.pick(model.nodes);
  const at = random.integer(0, node.inputs.length - 1);
  const place = model.nodes.indexOf(node);
  const known = [
    ...model.inputs.map(({ name }) => name),
    ...model.constants.map(({ name }) => name),
    ...model.nodes.slice(0, place).flatMap(({ outputs }) => outputs),
  ];
  const isConstant = (name: string): boolean => model.constants.some((c) => c.name === name);
  const old = node.inputs[at]!;
  const others = known.filter(
    (name) => name !== old && types.get(name) === types.get(old) && isConstant(name) === isConstant(old),
  );
  if (others.length === 0) return undefined;
  const other = random.pick(others);
  const tensor = quantizedBy(node);
  // mostly a tensor is quantized otherwise for all that know of it
  const nodes =
    at > 0 && tensor !== undefined && random.chance(0.9)
      ? model.nodes.filter((n) => quantizedBy(n) === tensor)
      : [node];
  return {
    ...model,
    nodes: model.nodes.map((n) => (nodes.includes(n) ? { ...n, inputs: n.inputs.with(at, other) } : n)),
  };
};

/** The same node again, with its own consumer, all of them, or none. */
const duplicate: Mutation = (random, model) => {
  const node = random.pick(model.nodes);
  const copy = { ...node, name: `${node.name}_`, outputs: node.outputs.map((output) => unused(model, output)) };
  const both = insertedBefore(model, node, copy);
  const consumers = both.nodes.filter((n) => n !== node && n !== copy && n.inputs.includes(node.outputs[0]!));
  if (consumers.length === 0 || random.chance(0.3)) return both;
  const consumer = random.pick(consumers);
  const at = consumer.inputs.indexOf(node.outputs[0]!);
  const order = both.nodes;
  return {
    ...both,
    nodes: order.map((n) => (n === consumer ? { ...n, inputs: n.inputs.with(at, copy.outputs[0]!) } : n)),
  };
};

const addOutput: Mutation = (random, model) => {
  const types = typesOf(model);
  const names = model.nodes
    .flatMap(({ outputs }) => outputs)
    .filter((name) => !model.outputs.some((o) => o.name === name));
  if (names.length === 0) return undefined;
  const name = random.pick(names);
  return { ...model, outputs: [...model.outputs, { name, type: types.get(name)! }] };
};

/** Only with another output: the rest is dead then. */
const dropOutput: Mutation = (random, model) => {
  if (model.outputs.length < 2) return undefined;
  const dropped = random.pick(model.outputs);
  return { ...model, outputs: model.outputs.filter((output) => output !== dropped) };
};

const changeAttribute: Mutation = (random, model) => {
  const node = random.pick(
    model.nodes.filter(({ attributes }) => Object.keys(attributes).length > 0).concat(model.nodes.slice(0, 1)),
  );
  const [key, value] = random.pick(Object.entries(node.attributes).concat([['axis', 0]])) as [string, unknown];
  if (typeof value === 'number')
    return changed(model, node, { attributes: { ...node.attributes, [key]: random.integer(-1, 3) } });
  if (!Array.isArray(value)) return undefined;
  const at = random.integer(0, value.length - 1);
  return changed(model, node, { attributes: { ...node.attributes, [key]: value.with(at, random.integer(0, 3)) } });
};

/** A node is left out: its consumers take what it took. */
export function without(model: OnnxModel, node: OnnxNode): OnnxModel {
  const rest = { ...model, nodes: model.nodes.filter((n) => n !== node) };
  return node.outputs.reduce<OnnxModel>((result, output) => rewired(result, output, node.inputs[0]!), rest);
}

const drop: Mutation = (random, model) => {
  const isOutput = ({ outputs }: OnnxNode): boolean => model.outputs.some((o) => outputs.includes(o.name));
  const nodes = model.nodes.filter((node) => !isOutput(node));
  if (nodes.length === 0) return undefined;
  const node = random.pick(nodes);
  const first = without(model, node);
  if (node.op !== 'QuantizeLinear' || random.chance(0.2)) return first;
  // a DequantizeLinear of floats is refused
  const pairs = model.nodes.filter((n) => n.op === 'DequantizeLinear' && n.inputs[0] === node.outputs[0]);
  return pairs.every((n) => !isOutput(n))
    ? pairs.reduce(
        (result, n) =>
          without(
            result,
            result.nodes.find(({ name }) => name === n.name)!,
          ),
        first,
      )
    : first;
};

/** A QuantizeLinear and DequantizeLinear more, of a quantization that is there. */
const insertPair: Mutation = (random, model) => {
  const types = typesOf(model);
  const node = random.pick(model.nodes);
  const floats = node.inputs.flatMap((name, i) =>
    types.get(name) === 'float32' && !model.constants.some((c) => c.name === name) ? [i] : [],
  );
  const quantize = model.nodes.filter(({ op }) => op === 'QuantizeLinear' || op === 'DequantizeLinear');
  if (floats.length === 0 || quantize.length === 0) return undefined;
  const at = random.pick(floats);
  const parameters = random.pick(quantize).inputs.slice(1);
  const bytes = unused(model, `${node.inputs[at]}_q`);
  const real = unused(model, `${node.inputs[at]}_r`);
  const make = (op: string, from: string, to: string): OnnxNode => ({
    name: `n_${to}`,
    op,
    domain: '',
    inputs: [from, ...parameters],
    outputs: [to],
    attributes: {},
  });
  const added = insertedBefore(
    model,
    node,
    make('QuantizeLinear', node.inputs[at]!, bytes),
    make('DequantizeLinear', bytes, real),
  );
  return changed(added, node, { inputs: node.inputs.with(at, real) });
};

const swap: Mutation = (random, model) => {
  const node = random.pick(model.nodes);
  if (node.inputs.length < 2) return undefined;
  const [first, second, ...rest] = node.inputs as [string, string];
  return changed(model, node, { inputs: [second, first, ...rest] });
};

/** A Relu that nobody uses, which counts as a consumer all the same. */
const addDead: Mutation = (random, model) => {
  const types = typesOf(model);
  const floats = model.nodes.filter(({ outputs }) => types.get(outputs[0]!) === 'float32');
  if (floats.length === 0) return undefined;
  const [from] = random.pick(floats).outputs as [string];
  const output = unused(model, from);
  return {
    ...model,
    nodes: [
      ...model.nodes,
      { name: `n_${output}`, op: 'Relu', domain: '', inputs: [from], outputs: [output], attributes: {} },
    ],
  };
};

const MUTATIONS: readonly Mutation[] = [
  rewire,
  rewire,
  duplicate,
  duplicate,
  addOutput,
  dropOutput,
  changeAttribute,
  drop,
  drop,
  insertPair,
  insertPair,
  swap,
  addDead,
];

/** One to three changes. */
export function mutate(random: Random, model: OnnxModel): OnnxModel {
  let result = model;
  for (let count = random.integer(1, 3); count > 0; count--) result = random.pick(MUTATIONS)(random, result) ?? result;
  return result;
}
