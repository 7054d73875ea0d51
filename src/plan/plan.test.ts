import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateCase } from '../../harness/cases/generate.ts';
import { UnsupportedModelError } from '../errors.ts';
import { readModel } from '../formats/index.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { KERNELS } from '../kernels/interfaces.ts';
import { packedBytes } from '../layers/layout.ts';
import { createPlan, type Plan } from './plan.ts';
import { referenceTrace } from './reference.ts';
import { defaultModel } from '../../models/index.ts';
import { overwritten } from '../../tests/helpers/overwritten.ts';

const defaultBytes = await defaultModel();
const plan = createPlan(readModel(defaultBytes));

describe('a plan', () => {
  it('is plain data that names kernels with all that they take', () => {
    for (const step of plan.steps) {
      const kernel = KERNELS[step.kernel]!;
      expect(step.operands, step.node).toHaveLength(kernel.operands.length);
      expect(Object.keys(step.geometry).sort(), step.node).toEqual([...kernel.geometry].sort());
      expect(Object.values(step.geometry).every(Number.isInteger), step.node).toBe(true);
    }
  });

  it('reuses memory, and never while it is needed', () => {
    expect(overwritten(plan)).toEqual([]);
    const sizes = [...plan.graph.tensors.values()].map(packedBytes);
    const peak = plan.buffers.reduce((sum, bytes) => sum + bytes, 0);
    expect(plan.buffers.length).toBeLessThan(8);
    expect(peak).toBeLessThan(sizes.reduce((sum, bytes) => sum + bytes, 0) / 2);
    for (const [name, buffer] of plan.bufferOf)
      expect(plan.buffers[buffer]).toBeGreaterThanOrEqual(packedBytes(plan.graph.tensors.get(name)!));
  });

  it('finds a planted overlap', () => {
    const first = plan.steps[0]!.output;
    const planted = new Map(plan.bufferOf).set(plan.steps[1]!.output, plan.bufferOf.get(first)!);
    expect(overwritten({ ...plan, bufferOf: planted })).not.toEqual([]);
  });

  it('is proved in every layer', () => {
    for (const step of plan.steps) if (step.accumulates) expect(step.proof?.boundaries, step.node).toBeGreaterThan(0);
  });
});

describe('what is not supported is refused by name, before any work', () => {
  const { graph } = generateCase('onnxruntime', 1, 0);
  const node = graph.nodes[0]!;
  const withNode = (change: Partial<GraphNode>): Graph => ({ ...graph, nodes: [{ ...node, ...change }] });
  const refused = (changed: Graph): string => {
    try {
      createPlan(changed);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
    return 'accepted';
  };

  it('an operator', () =>
    expect(refused(withNode({ op: 'Einsum' }))).toMatch(/^Unsupported.*'Conv' \(Einsum\).*supported: Conv, .*between/));
  it('an engine', () =>
    expect(() => createPlan(graph, { engine: 'mkl' })).toThrow(/'mkl'; supported: onnxruntime, .*qnnpack/));
  it('a computed weight', () =>
    expect(refused({ ...graph, constants: new Map() })).toMatch(/weights 'w' are computed/));
  it('padding it does not know', () =>
    expect(refused(withNode({ attributes: { auto_pad: 'REFLECT' } }))).toMatch(/REFLECT/));
  it('attributes of the wrong length', () =>
    expect(refused(withNode({ attributes: { strides: [1] } }))).toMatch(/strides/));
  it('a graph without quantization', () =>
    expect(refused({ ...graph, tensors: new Map() })).toMatch(/float32 output 'y'/));
  it('accumulators that leave int32', () => {
    const [x] = graph.inputs;
    const weight = graph.constants.get('w')!;
    const channels = 70000;
    const big: Graph = {
      ...graph,
      nodes: [{ ...node, inputs: ['x', 'w'], attributes: {} }],
      inputs: [{ ...x!, type: 'uint8', shape: [1, channels, 1, 1] }],
      constants: new Map([
        [
          'w',
          {
            ...weight,
            type: 'int8',
            shape: [1, channels, 1, 1],
            data: new Int8Array(channels).fill(-128),
            quantization: { scale: Float32Array.of(0.1), zeroPoint: Int32Array.of(127) },
          },
        ],
      ]),
    };
    expect(refused(big)).toMatch(/^Unsupported.*leaves int32/);
  });
  it('throws errors of its own only', () => {
    expect(() => createPlan(withNode({ op: 'toString' }))).toThrow(UnsupportedModelError);
  });
});

it('a Concat of more tensors than a dispatch reads is several dispatches, and one tensor to the model', () => {
  const quantization = { scale: Float32Array.of(0.1), zeroPoint: Int32Array.of(3) };
  const names = Array.from({ length: 38 }, (_, i) => (i === 0 ? 'y.part' : `x${i}`));
  const graph: Graph = {
    name: 'concat',
    format: 'onnx',
    engine: 'onnxruntime',
    nodes: [{ name: 'n', op: 'Concat', inputs: names, outputs: ['y'], attributes: { axis: 1 } }],
    inputs: names.map((name) => ({ name, type: 'uint8', shape: [1, 3, 2, 2], quantization })),
    outputs: ['y'],
    constants: new Map(),
    tensors: new Map([['y', { name: 'y', type: 'uint8', quantization }]]),
  };
  const joined = createPlan(graph);
  expect(joined.steps.map(({ kernel }) => kernel)).toEqual(Array(9).fill('concat'));
  expect(overwritten(joined)).toEqual([]);
  expect(joined.graph.tensors.size).toBe(39);
  expect(joined.tensors.size).toBe(39 + 8);
  expect(joined.tensors.get('y.part')!.shape).toEqual([1, 3, 2, 2]);
  expect([...joined.tensors.values()].at(-1)!.shape).toEqual([1, 108, 2, 2]);
});

describe('shapes', () => {
  it('an open batch is planned for what is asked', () => {
    const graph = readModel(defaultBytes);
    const [input] = graph.inputs;
    const batched = createPlan(graph, { shapes: { [input!.name]: [3, 3, 224, 224] } });
    expect(batched.graph.tensors.get(graph.outputs[0]!)!.shape[0]).toBe(3);
    expect(() => createPlan(graph, { shapes: { [input!.name]: [1, 3, 100] } })).toThrow(/the model takes/);
  });
});

describe.skipIf(!existsSync('../shared/models'))('models of ../shared', () => {
  const open = (name: string): Plan => createPlan(readModel(readFileSync(`../shared/models/${name}.onnx`)));
  it('a MobileNetV2 1.0 224 with 1,000 classes has 300,774,272 multiply-adds', () => {
    const plan = open('imagenet_mobilenetv2_qdq');
    expect(plan.steps.reduce((sum, step) => sum + step.macs, 0)).toBe(300_774_272);
  });
  it('the Q/DQ model is fused as onnxruntime fuses it: nine residual adds and the last bias stay float32', () => {
    const { nodes, tensors } = open('imagenet_mobilenetv2_qdq').graph;
    const adds = nodes.filter((node) => node.op === 'Add').map((node) => tensors.get(node.outputs[0]!)!.type);
    expect(nodes.filter((node) => node.op === 'Conv')).toHaveLength(52);
    expect(adds.filter((type) => type === 'uint8')).toHaveLength(1);
    expect(adds.filter((type) => type === 'float32')).toHaveLength(10);
    expect(nodes.some((node) => ['Shape', 'Gather', 'Unsqueeze', 'Concat'].includes(node.op))).toBe(false);
  });
  it('a dynamically quantized one is refused by name for engines whose float32 is not known', () => {
    const bytes = readFileSync('../shared/models/unsupported_dynamic_quantization.onnx');
    expect(() => createPlan(readModel(bytes), { engine: 'onnxruntime-x64' })).toThrow(
      /DynamicRange\): engine 'onnxruntime-x64'; supported: engines whose float32 arithmetic is known/,
    );
  });
});

it('the reference runs in Node, on the same plan', () => {
  const test = generateCase('onnxruntime', 5, 4);
  const trace = referenceTrace(createPlan(test.graph), test.feeds);
  expect(trace.tensors.map(({ name }) => name)).toEqual(['x', 'y']);
});
