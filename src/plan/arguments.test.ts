import { describe, expect, it } from 'vitest';
import { generateCase } from '../../harness/cases/generate.ts';
import * as library from '../index.ts';
import { oddValues } from '../../tests/helpers/odd_values.ts';
import { smallQdqModel, smallQOperatorModel } from '../../tests/helpers/small_onnx.ts';
import { tinyMobileNetV2, TorchFile } from '../../tests/helpers/torch_file.ts';

const { createPlan, readModel, referenceTrace } = library;

describe('what the caller owns is not held on to', () => {
  it.each([
    ['QOperator', smallQOperatorModel],
    ['Q/DQ', smallQdqModel],
    ['.pth, zip', () => tinyMobileNetV2(new TorchFile(false))],
    ['.pth, legacy', () => tinyMobileNetV2(new TorchFile(true))],
  ])("a model's bytes, which may be written over: %s", (_, make) => {
    const bytes = make().slice();
    const graph = readModel(bytes);
    bytes.fill(255);
    expect(graph).toEqual(readModel(make()));
  });
  it('what the host reference is fed', () => {
    const { graph, feeds } = generateCase('onnxruntime', 5, 4);
    const trace = referenceTrace(createPlan({ ...graph, outputs: ['y', 'x'] }), feeds);
    const arrays = [...trace.tensors, ...Object.values(trace.outputs), feeds['x']!].map(({ data }) => data.buffer);
    expect(new Set(arrays).size).toBe(arrays.length);
    expect(trace.outputs['x']!.data).toEqual(feeds['x']!.data);
  });
});

type Call = (...odd: unknown[]) => unknown;

/** Everything that can be called without a device; `right` are arguments that are. */
const CALLS: Readonly<Record<string, { readonly call: Call; readonly right: readonly unknown[] }>> = {
  Tensor: {
    call: (...odd) => new library.Tensor(...(odd as ConstructorParameters<typeof library.Tensor>)),
    right: ['float32', new Float32Array(4), [2, 2]],
  },
  FloatLines: {
    call: (...odd) => new library.FloatLines(...(odd as ConstructorParameters<typeof library.FloatLines>)),
    right: [1, [0, 255], () => ({ bias: 0, scale: 1, zeroPoint: 0 })],
  },
  saturatingNeighbours: {
    call: library.saturatingNeighbours as Call,
    right: [{ inputChannels: 3, groups: 1, kernel: [3, 3] }],
  },
  preprocess: {
    call: library.preprocess as Call,
    right: [
      { width: 2, height: 1, data: new Uint8Array(6) },
      'none',
      { name: 'x', type: 'uint8', shape: [1, 3, 1, 2] },
    ],
  },
  rankClasses: {
    call: library.rankClasses as Call,
    right: [{ dims: [1, 2], data: Float32Array.of(1, 2) }, ['a', 'b'], 1],
  },
  readModel: { call: readModel as Call, right: [smallQOperatorModel()] },
  createPlan: { call: createPlan as Call, right: [readModel(smallQOperatorModel()), {}] },
  variantsFor: { call: library.variantsFor as Call, right: [createPlan(readModel(smallQOperatorModel())), 'n_c'] },
  parseProfile: { call: library.parseProfile as Call, right: [library.DEFAULT_PROFILES.gpu] },
  findEngine: { call: library.findEngine as Call, right: ['fbgemm', { threads: 2 }] },
  referenceTrace: {
    call: referenceTrace as Call,
    right: [
      createPlan(readModel(smallQOperatorModel())),
      { x: new library.Tensor('float32', new Float32Array(192), [1, 3, 8, 8]) },
    ],
  },
};

/** Members of the second argument. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  createPlan: ['engine', 'semantics', 'shapes', 'features', 'profile', 'fusion', 'device', 'executionProviders'],
  findEngine: ['threads'],
};

describe('wrong arguments: errors of this project, and no others', () => {
  it('every function is here', () => {
    const functions = Object.entries(library).filter(([, value]) => typeof value === 'function');
    const named = functions.map(([name]) => name).filter((name) => !name.endsWith('Error'));
    // sessions need a device, and pictures a browser: e2e/arguments.spec.ts, e2e/pictures.spec.ts
    const others = ['InferenceSession', 'decodePicture', 'findSemantics', 'preprocessOnGpu'];
    expect([...Object.keys(CALLS), ...others].sort()).toEqual(named.sort());
  });
  it.each(Object.keys(CALLS))('%s', (name) => {
    const { call, right } = CALLS[name]!;
    call(...right);
    expect(foreignErrors(call, right)).toEqual([]);
    for (const option of OPTIONS[name] ?? [])
      expect(
        foreignErrors((value) => call(right[0], { [option]: value }), [undefined]),
        option,
      ).toEqual([]);
  });
  it('the former names of the engine go on working', () => {
    const [graph] = CALLS['createPlan']!.right as [library.Graph];
    const plan = createPlan(graph, { semantics: 'onnxruntime-x64' });
    expect([plan.engine.name, plan.semantics]).toEqual(['onnxruntime-x64', plan.engine]);
    expect([library.findSemantics, library.SEMANTICS]).toEqual([library.findEngine, library.ENGINES]);
  });
  it('an option that there is not is refused by name', () => {
    const [graph] = CALLS['createPlan']!.right as [library.Graph];
    expect(() => createPlan(graph, { semantic: 'qnnpack' } as never)).toThrow(
      /no option 'semantic'; supported: engine, semantics/,
    );
  });
});

/** What is thrown for each odd value in the place of each right one, unless on purpose. */
function foreignErrors(call: Call, right: readonly unknown[]): string[] {
  const found: string[] = [];
  for (const index of right.keys())
    for (const [what, odd] of Object.entries(oddValues()))
      try {
        call(...right.with(index, odd));
      } catch (error) {
        if (!(error instanceof library.Exact8Error)) found.push(`argument ${index}, ${what}: ${String(error)}`);
        else expect(error.message.length, error.message.slice(0, 500)).toBeLessThan(500);
      }
  return found;
}
