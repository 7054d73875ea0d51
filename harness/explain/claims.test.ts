import { describe, expect, it } from 'vitest';
import { valuesOf } from './attribute.ts';
import { bindEngine } from './bound_engine.ts';
import { explain, type Question } from './explain.ts';
import { layerProblem } from './layer_problem.ts';
import { indexOf, referenceRecipe } from './problem.ts';
import { recurringCauses, summarizeClasses } from './summary.ts';
import { describeLayer } from './text.ts';
import { renderExplanation } from '../report/explanation.ts';
import { reportLayer } from '../report/explained_layer.ts';
import type { ElementData, Graph } from '../../src/graph/graph.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { findEngine } from '../../src/engines/index.ts';
import { smallLayer } from '../../tests/helpers/small_layers.ts';

/** Two convolutions: x to a to y. */
function network() {
  const { graph: first, feeds } = smallLayer({ channels: [4, 4], stride: 1 }, 5);
  const { graph: second } = smallLayer({ channels: [4, 4], stride: 1 }, 6);
  const renamed = [...second.constants].map(([name, value]) => [`${name}2`, { ...value, name: `${name}2` }] as const);
  const graph: Graph = {
    ...first,
    nodes: [
      { ...first.nodes[0]!, outputs: ['a'] },
      { ...second.nodes[0]!, name: 'n2', inputs: ['a', 'w2', 'b2'], outputs: ['y'] },
    ],
    constants: new Map([...first.constants, ...renamed]),
    tensors: new Map([
      ['a', { name: 'a', type: 'uint8', quantization: first.inputs[0]!.quantization! }],
      ['y', second.tensors.get('y')!],
    ]),
  };
  const { tensors } = referenceTrace(createPlan(graph), feeds);
  const reference = new Map<string, ElementData>([
    ['x', feeds.x.data],
    ...tensors.map((t) => [t.name, t.data] as const),
  ]);
  return { graph, reference, bound: bindEngine(graph, findEngine('onnxruntime'), {}) };
}

type Network = ReturnType<typeof network>;

/** A layer, computed from some input as somebody does who has one choice of another kind. */
function deviating({ bound, reference }: Network, name: string, input: ElementData, id: string): ElementData {
  const node = bound.graph.nodes.find(({ outputs }) => outputs[0] === name)!;
  const operands = new Map([[node.inputs[0]!, input]]);
  const expected = bound.run(node, () => input);
  const problem = layerProblem({ reference, theirs: new Map() }, bound, node, operands, {
    expected,
    theirs: expected,
  })!;
  const d = problem.dimensions.findIndex(({ choices }) => choices.some((choice) => choice.id === id));
  return Uint8Array.from(
    valuesOf(problem, referenceRecipe(problem).with(d, indexOf(problem.dimensions[d]!.choices, id))),
  );
}

function explained({ graph, reference }: Network, theirs: Record<string, ElementData>, more: Partial<Question> = {}) {
  const explanation = explain({
    graph,
    shapes: {},
    reference,
    engines: [findEngine('onnxruntime')],
    theirs: new Map(Object.entries(theirs)),
    limits: { most: 2, tries: 20_000, products: Infinity },
    ...more,
  });
  return { explanation, layers: [...explanation.layers] };
}

describe('explain claims no more than is so', () => {
  const net = network();
  const wrong = deviating(net, 'a', net.reference.get('x')!, 'floor');

  it('a layer of which every value is the reference’s is not wrong, whatever its own input would give', () => {
    const { layers } = explained(net, { a: wrong, y: net.reference.get('y')! });
    expect(layers.map(({ explanation }) => explanation.name)).toEqual(['a']);
  });

  it('a layer that was computed from the reference’s inputs is explained from these', () => {
    const scrambled = net.reference.get('a')!.slice().reverse() as ElementData;
    const y = deviating(net, 'y', net.reference.get('a')!, 'floor');
    const { explanation } = explained(net, { a: scrambled, y }).layers[1]!;
    expect(explanation).toMatchObject({ name: 'y', inputs: 'reference', origin: 'own', exact: true, certain: true });
    expect(explanation.causes.map(({ kind }) => kind)).toEqual(['rounding']);
    expect(explanation.ownMismatches).toBe(explanation.mismatches);
  });

  it('what is a layer’s own never exceeds what differs', () => {
    // from their own inputs, most of these values are others; half of them are the reference's all the same
    const y = Uint8Array.from(net.reference.get('y') as Uint8Array, (v, i) => (i % 2 ? v : Math.max(0, v - 3)));
    const [, layer] = explained(net, { a: wrong, y }).layers;
    const { ownMismatches, mismatches, ownWhere } = layer!.explanation;
    expect(ownMismatches).toBeLessThanOrEqual(mismatches);
    expect(ownWhere.channels.reduce((a, b) => a + b)).toBe(ownMismatches);
  });

  it('causes that account for no value are not listed', () => {
    const y = Uint8Array.from(net.reference.get('y') as Uint8Array, (v, i) => (i % 7 ? v : (v * 31) & 255));
    const [layer] = explained(net, { y }).layers;
    expect(layer!.explanation.exact).toBe(false);
    expect(layer!.explanation.causes.filter(({ elements }) => elements === 0)).toEqual([]);
  });

  it('says whose inputs a layer is explained from, and --inputs says which are looked at', () => {
    const scrambled = net.reference.get('a')!.slice().reverse() as ElementData;
    const y = deviating(net, 'y', net.reference.get('a')!, 'floor');
    const text = describeLayer(explained(net, { a: scrambled, y }).layers[1]!.explanation);
    expect(text).toMatch(/from the reference's inputs: \d+ values are not .* from their own, \d+/);
    expect(text).toMatch(/what to do: round as the engine does.*docs\/vectors.md#requantization-in-integers/);
    const { explanation } = explained(net, { a: scrambled, y }, { inputs: 'theirs' }).layers[1]!;
    expect(explanation).toMatchObject({ name: 'y', inputs: 'theirs', exact: false });
    expect(describeLayer(explanation)).toContain('from their own inputs, as --inputs says');
  });

  it('sums up causes that recur, by what layers are', () => {
    const y = deviating(net, 'y', wrong, 'floor');
    const { explanation, layers } = explained(net, { a: wrong, y });
    const explanations = layers.map(({ explanation }) => explanation);
    expect(recurringCauses(explanation.classes, explanations)).toMatchObject([
      { class: 'convolution', side: 'theirs', kind: 'rounding', way: 'floor', layers: 2, of: 2 },
    ]);
    expect(summarizeClasses(explanation.classes, explanations)).toEqual([
      { class: 'convolution', compared: 2, differ: 2, own: 2, explained: 2, certain: 2 },
    ]);
  });

  const doubtful = (): Network => {
    const a = Uint8Array.from(net.reference.get('a') as Uint8Array, (v, i) => (i % 50 ? v : v ^ 1));
    return { ...net, reference: new Map([...net.reference, ['a', a]]) };
  };

  it('where no engine reproduces the reference, nothing is certain', () => {
    const { layers, explanation } = explained(doubtful(), {
      y: deviating(net, 'y', doubtful().reference.get('a')!, 'floor'),
    });
    expect(explanation.identified.missed).toEqual(['a', 'y']);
    const [layer] = layers;
    expect(layer!.explanation).toMatchObject({ origin: 'own', certain: false });
    expect(describeLayer(layer!.explanation)).toMatch(/NOT (CERTAIN|EXPLAINED)/);
  });

  it('a layer with nothing before it does not inherit: it is the reference that deviates', () => {
    const reference = doubtful();
    const { layers, explanation } = explained(reference, { a: net.reference.get('a')! });
    expect(layers[0]!.explanation).toMatchObject({
      origin: 'reference',
      inputs: 'same',
      ownMismatches: 0,
      certain: false,
    });
    expect(describeLayer(layers[0]!.explanation)).toContain('theirs is what onnxruntime computes');
    const html = renderExplanation({
      model: { name: 'm', hash: 'h' } as never,
      theirs: 't',
      against: 'r',
      classes: explanation.classes,
      layers: layers.map((layer) => reportLayer(layer, explanation.identified.bound)),
      stopped: false,
      engine: explanation.identified.bound.engine,
      engines: ['onnxruntime'],
      compared: [{ name: 'a', op: 'Conv', shape: [1, 4, 12, 10] }],
    });
    expect(html).toContain('the reference deviates');
    expect(html).not.toContain('inherits');
  });
});
