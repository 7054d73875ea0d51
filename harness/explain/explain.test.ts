import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../models/random.ts';
import { valuesOf } from './attribute.ts';
import { blind, createScene, type Scene } from '../../tests/helpers/blind.ts';
import { bindEngine } from './bound_engine.ts';
import { linearProblem } from './families/linear.ts';
import { deviations, referenceRecipe, type Problem } from './problem.ts';
import { explain } from './explain.ts';
import { search, type SearchLimits } from './search.ts';
import { borderOf, findWhere, mismatchMap } from './where.ts';
import { decodeFile } from '../images/decode_file.ts';
import { preprocess } from '../../src/recipes.ts';
import { knownRecipe } from '../images/known_models.ts';
import { sha256 } from '../cli/sha256.ts';
import { readModel } from '../../src/formats/index.ts';
import { createPlan } from '../../src/plan/plan.ts';
import type { ElementData, TensorInfo } from '../../src/graph/graph.ts';
import { linearOf } from '../../src/layers/infer.ts';
import { ENGINES, findEngine } from '../../src/engines/index.ts';
import { LONG } from '../../tests/helpers/long.ts';
import { smallLayer } from '../../tests/helpers/small_layers.ts';

describe('where', () => {
  const info: TensorInfo = { name: 'y', type: 'uint8', shape: [1, 2, 2, 3] };
  const reference = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  const theirs = Uint8Array.of(1, 2, 4, 4, 5, 6, 7, 8, 10, 10, 9, 11);

  it('counts by channel, border, sign and size', () => {
    const where = findWhere(info, reference, theirs, (_, column) => column === 2);
    expect(where).toEqual({
      channels: [1, 3],
      border: { elements: 4, mismatches: 3 },
      interior: { elements: 8, mismatches: 1 },
      differences: [
        { difference: -2, elements: 1 },
        { difference: -1, elements: 1 },
        { difference: 1, elements: 2 },
      ],
      offByOne: 3,
    });
    expect([...mismatchMap(info, reference, theirs)]).toEqual([0, 0, 2, 0, 1, 1]);
  });

  it('knows which windows reach into the padding', () => {
    const isBorder = borderOf({
      layer: { kernel: [3, 3], pads: [1, 0, 0, 1] } as never,
      input: { height: 5, width: 6 } as never,
      strides: [2, 2],
      dilations: [1, 1],
    });
    expect([0, 1].map((row) => [0, 1, 2].map((column) => isBorder(row, column)))).toEqual([
      [true, true, true],
      [false, false, true],
    ]);
  });
});

/** A small layer as a family of implementations; `theirs` is filled in by whoever plants a deviation. */
function smallProblem(kind: Parameters<typeof smallLayer>[0], engine = 'onnxruntime') {
  const { graph, feeds } = smallLayer(kind, 5);
  const bound = bindEngine(graph, findEngine(engine), {});
  const node = bound.graph.nodes[0]!;
  const expected = bound.run(node, () => feeds.x.data);
  const linear = linearOf(node, bound.context)!;
  const question = { linear, engine: bound.engine, x: feeds.x.data };
  return {
    expected,
    problem: (theirs: ArrayLike<number>): Problem =>
      linearProblem({ ...question, theirs: Int16Array.from(theirs) as never }),
  };
}

describe('the family of implementations of a layer', () => {
  it.each(['onnxruntime', 'qnnpack', 'fbgemm', 'fbgemm-avx2', 'onednn', 'onednn-avx2', 'x86'])(
    'has %s in it',
    (engine) => {
      for (const kind of [
        { channels: [3, 6], stride: 2 },
        { channels: [6, 6], stride: 1, depthwise: true },
      ] as const) {
        const { problem, expected } = smallProblem(kind, engine);
        const family = problem(new Int16Array(0));
        expect(valuesOf(family, referenceRecipe(family))).toEqual(Int32Array.from(expected as Uint8Array));
      }
    },
  );

  it.each([
    ['an ordinary convolution', { channels: [3, 6], stride: 2 }, 'onnxruntime'],
    ['a depthwise convolution that saturates', { channels: [8, 8], stride: 1, depthwise: true }, 'fbgemm'],
    [
      'int8 activations, weights with a zero point',
      { channels: [2, 4], stride: 1, type: 'int8', weightZero: 3 },
      'onnxruntime',
    ],
  ] as const)('%s: each way to go wrong is found when it is alone', (_, kind, engine) => {
    const { problem, expected } = smallProblem(kind, engine);
    const family = problem(new Int16Array(0));
    const reference = referenceRecipe(family);
    let planted = 0;
    for (const [d, { choices }] of family.dimensions.entries())
      for (const choice of choices.keys()) {
        const recipe = reference.with(d, choice);
        const theirs = valuesOf(family, recipe);
        if (theirs.every((v, i) => v === expected[i])) continue;
        planted++;
        const { exact, searched } = search(problem(theirs), expected, { most: 2, tries: 1e6, products: Infinity });
        expect(searched).toBe(1);
        expect(exact.every((found) => deviations(family, found).length === 1)).toBe(true);
        const ids = exact.map((found) => found.join());
        // another way that gives the same values may stand in for it
        if (!ids.includes(recipe.join())) expect(valuesOf(family, exact[0]!)).toEqual(theirs);
      }
    expect(planted).toBeGreaterThan(80);
  });
});

/** Plants deviations into layers, and expects each to be explained, every value of it. */
function plantInto(scene: Scene, plants: number, seed: number): void {
  const random = new Random(seed);
  for (let i = 0; i < plants; i++) {
    const result = blind(scene, random);
    expect(result.planted.length).toBeGreaterThan(0);
    expect(['named', 'variant', 'equivalent'], JSON.stringify(result)).toContain(result.outcome);
  }
}

describe('planted deviations are found by somebody who does not know them', () => {
  it('in small layers', () => {
    for (const kind of [
      { channels: [3, 6], stride: 2 },
      { channels: [6, 6], stride: 1, depthwise: true },
    ] as const) {
      const { graph, feeds } = smallLayer(kind, 5);
      plantInto(createScene('small', 'random', graph, findEngine('onnxruntime'), feeds), 5, 3);
    }
  }, 120_000);

  const path = '../shared/models/imagenet_mobilenetv1_025_128_u8.qlinear.onnx';
  it.skipIf(!existsSync(path))(
    'in a network on a photograph (needs ../shared)',
    async () => {
      const bytes = new Uint8Array(readFileSync(path));
      const graph = readModel(bytes);
      const { engine, graph: typed } = createPlan(graph);
      const picture = await decodeFile(new Uint8Array(readFileSync('../shared/photos/chelsea.png')));
      const input = typed.inputs[0]!;
      const feeds = { [input.name]: preprocess(picture, knownRecipe(sha256(bytes))!, input) };
      plantInto(createScene(path, 'chelsea', graph, engine, feeds), LONG ? 15 : 5, 2);
    },
    120_000,
  );
});

describe('theirs may follow another engine than the reference', () => {
  const { graph, feeds } = smallLayer({ channels: [3, 6], stride: 2 }, 5);
  const [saturating, exact] = ['onnxruntime-x64-avx2', 'onnxruntime'].map((name) => findEngine(name));
  const { graph: typed } = bindEngine(graph, exact!, { x: feeds.x.dims });
  const followed = createScene('small', 'random', graph, exact!, feeds);
  const explained = (theirs: ElementData, engines = ENGINES, limits?: SearchLimits) => {
    const { layers } = explain({
      ...{ graph, shapes: { x: feeds.x.dims }, theirs: new Map([['y', theirs]]) },
      reference: createScene('small', 'random', graph, saturating!, feeds).reference,
      engines: [saturating!],
      theirEngines: engines,
      ...(limits && { limits }),
    });
    return layers.next().value!.explanation;
  };
  const bias = typed.nodes[0]!.inputs[2]!;
  /** As the engine without saturation, and the bias left out. */
  const wrong = (): ElementData => {
    const constants = new Map(
      [...graph.constants].map(([name, constant]) => [
        name,
        name === bias ? { ...constant, data: new Int32Array(6) } : constant,
      ]),
    );
    return createScene('small', 'random', { ...graph, constants }, exact!, feeds).reference.get('y')!;
  };
  const ONE = { most: 1, tries: 1e6, products: Infinity };

  it('is said where the reference’s engine explains nothing, with what is wrong besides', () => {
    const { follows, engine, causes, certain, exact } = explained(wrong(), ENGINES, ONE);
    expect({ follows, engine, exact, certain }).toEqual({
      follows: 'onnxruntime',
      engine: 'onnxruntime',
      exact: true,
      certain: true,
    });
    expect(causes.map(({ kind, side }) => `${side} ${kind}`)).toEqual(['theirs bias']);
  });

  it('is not said where it does, or where no other engine is asked', () => {
    expect(explained(followed.reference.get('y')!).follows).toBeUndefined();
    const alone = explained(wrong(), [], ONE);
    expect({ follows: alone.follows, exact: alone.exact }).toEqual({ follows: undefined, exact: false });
  });
});
