import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateBlock } from '../../harness/cases/blocks.ts';
import { defaultModel } from '../../models/index.ts';
import { readModel } from '../formats/index.ts';
import { linkShader } from '../gpu/shaders.ts';
import { loadAllTexts } from '../gpu/texts/index.ts';
import type { Graph } from '../graph/graph.ts';
import { KERNELS } from '../kernels/interfaces.ts';
import type { StepPart } from '../kernels/step.ts';
import { chooseTile, TILES, tileBytes, tileGrid, type BlockShape } from '../kernels/tiles.ts';
import { createPlan, type Plan } from '../plan/plan.ts';
import { DEFAULT_PROFILES } from '../plan/profile.ts';
import { overwritten } from '../../tests/helpers/overwritten.ts';

await loadAllTexts();

const graph = readModel(await defaultModel());
const unfused = createPlan(graph);
const layers = createPlan(graph, { fusion: 'layers' });
const blocks = createPlan(graph, { fusion: 'blocks' });

const leaves = (plan: Plan): StepPart[] => plan.steps.flatMap((step) => step.parts ?? [step]);
const kernels = ({ steps }: Plan): string[] => steps.map(({ kernel }) => kernel);

describe('the default MobileNetV2', () => {
  it('takes 68 dispatches node by node, 57 with adds folded, at most 22 as blocks', () => {
    expect(unfused.steps).toHaveLength(68);
    expect(layers.steps).toHaveLength(57);
    expect(blocks.steps.length).toBeLessThanOrEqual(22);
    expect(kernels(blocks).filter((kernel) => kernel === 'inverted_residual')).toHaveLength(17);
  });

  it.each([
    ['layers', layers],
    ['blocks', blocks],
  ])('%s: does the same work, each node once', (_, plan) => {
    const nodes = (p: Plan): string[] =>
      leaves(p)
        .map(({ node }) => node)
        .sort();
    expect(nodes(plan)).toEqual(nodes(unfused));
    const macs = ({ steps }: Plan): number => steps.reduce((sum, step) => sum + step.macs, 0);
    expect(macs(plan)).toBe(macs(unfused));
  });

  it.each([
    ['layers', layers],
    ['blocks', blocks],
  ])('%s: stays within what every device has, and every buffer is where its shader reads it', (_, plan) => {
    for (const step of plan.steps) {
      expect(step.operands, step.node).toHaveLength(KERNELS[step.kernel]!.operands.length);
      expect(Object.keys(step.geometry).sort(), step.node).toEqual([...KERNELS[step.kernel]!.geometry].sort());
      expect(Object.values(step.geometry).every(Number.isInteger), step.node).toBe(true);
      expect(step.operands.length + 1 + step.parameters.length, step.node).toBeLessThanOrEqual(8);
      expect(step.workgroupBytes ?? 0, step.node).toBeLessThanOrEqual(16384);
      const { bindings, code } = linkShader(step);
      expect(bindings, step.node).toHaveLength(step.parameters.length);
      for (const [index, name] of bindings.entries())
        expect(code).toContain(`@group(1) @binding(${index}) var<storage, read> ${name}:`);
      for (const override of Object.keys(step.overrides)) expect(code).toContain(`override ${override}:`);
    }
  });

  it('never reads memory that was overwritten, and gives none to what is never written', () => {
    expect(overwritten(layers)).toEqual([]);
    expect(overwritten(blocks)).toEqual([]);
    const written = new Set([...blocks.steps.map(({ output }) => output), ...graph.inputs.map(({ name }) => name)]);
    for (const name of blocks.bufferOf.keys()) expect(written).toContain(blocks.views.get(name) ?? name);
    const bytes = (plan: Plan): number => plan.buffers.reduce((sum, size) => sum + size, 0);
    expect(bytes(blocks)).toBeLessThan(bytes(unfused));
  });
});

it('a profile says how far to go, and leaves single blocks as they are', () => {
  const { graph } = generateBlock('qnnpack', 1, 0);
  const profile = { ...DEFAULT_PROFILES.gpu, fusion: 'blocks' } as const;
  const plan = createPlan(graph, { profile });
  expect(kernels(plan)).toEqual(['inverted_residual']);
  const { geometry } = leaves(plan).find(({ variant }) => variant?.kind === 'depthwise')!.variant!;
  const withBlock = (choice: string): Plan =>
    createPlan(graph, { profile: { ...profile, blocks: { [geometry]: choice } } });
  expect(kernels(withBlock('unfused'))).not.toContain('inverted_residual');
  expect(withBlock('2x4').steps[0]!.overrides).toMatchObject({ TILE_HEIGHT: 2, TILE_WIDTH: 4 });
  expect(() => withBlock('3x3')).toThrow(/tile '3x3'; supported: unfused, 2x2/);
});

it('what somebody else reads is written: a tensor between two stages that is an output', () => {
  const chain: Graph = generateBlock('qnnpack', 1, 0).graph;
  const inner = chain.nodes[0]!.outputs[0]!;
  const fused = createPlan(chain, { fusion: 'blocks' });
  expect(kernels(fused)).toEqual(['inverted_residual']);
  const plan = createPlan({ ...chain, outputs: [...chain.outputs, inner] }, { fusion: 'blocks' });
  expect(plan.steps[0]!.output).toBe(inner);
  expect(plan.bufferOf.has(inner)).toBe(true);
});

it('nothing is joined to a layer whose last values have functions of their own: both are computed, and one is taken', () => {
  const quantization = { scale: Float32Array.of(0.5), zeroPoint: Int32Array.of(3) };
  const bytes = (name: string) => ({ name, type: 'uint8', quantization }) as const;
  const weights = { ...bytes('w'), shape: [1, 1, 1, 1], data: Uint8Array.of(5) };
  const tailed = (size: number): Graph => ({
    name: '',
    format: 'case',
    engine: 'tflite-builtin',
    nodes: [
      { name: 'conv', op: 'Conv', inputs: ['x', 'w'], outputs: ['conv'], attributes: { transposed: 1 } },
      { name: 'add', op: 'Add', inputs: ['conv', 'x'], outputs: ['add'], attributes: {} },
    ],
    inputs: [{ ...bytes('x'), shape: [1, 1, size, size] }],
    outputs: ['add'],
    constants: new Map([['w', weights]]),
    tensors: new Map([bytes('conv'), bytes('add')].map((tensor) => [tensor.name, tensor])),
  });
  const ofWholeBlocks = createPlan(tailed(4), { fusion: 'layers' });
  expect(ofWholeBlocks.steps).toHaveLength(1);
  const plan = createPlan(tailed(3), { fusion: 'layers' });
  expect(plan.steps.map(({ output }) => output)).toEqual(['conv.body', 'conv.tail', 'conv', 'add']);
  expect(kernels(plan).slice(2)).toEqual(['add_tail', 'add_tail']);
});

describe('tiles', () => {
  const shape: BlockShape = {
    batch: 1,
    inGroups: 24,
    middleGroups: 144,
    outGroups: 24,
    out: [14, 14],
    kernel: [3, 3],
    stride: [1, 1],
    expand: { kernel: [1, 1], stride: [1, 1] },
  };
  it('fit into workgroup memory, or are refused', () => {
    for (const tile of TILES) {
      const chosen = chooseTile(shape, 16384, tile);
      if (chosen) expect(tileBytes(shape, chosen)).toBeLessThanOrEqual(16384);
    }
    expect(chooseTile(shape, 16384, [8, 8])).toBeUndefined();
    expect(chooseTile(shape, 65536, [8, 8])).toBeDefined();
    expect(chooseTile({ ...shape, middleGroups: 4000 }, 16384)).toBeUndefined();
  });
  it('cover every pixel', () => {
    for (const [height, width] of TILES) {
      const { y, x, count } = tileGrid({ ...shape, batch: 3, out: [7, 9] }, { height, width, chunk: 4 });
      expect(y * height).toBeGreaterThanOrEqual(7);
      expect(x * width).toBeGreaterThanOrEqual(9);
      expect(count).toBe(3 * y * x);
    }
  });
});

describe.skipIf(!existsSync('../shared/models'))('models of ../shared', () => {
  const fused = (name: string): Plan =>
    createPlan(readModel(readFileSync(`../shared/models/${name}`)), { fusion: 'blocks' });
  it.each([
    'torchvision_mobilenet_v2_qnnpack.pth',
    'imagenet_mobilenetv2_qdq.onnx',
    'imagenet_mobilenetv2_u8.qlinear.onnx',
  ])(
    '%s takes at most 22 dispatches',
    (name) => {
      const plan = fused(name);
      expect(plan.steps.length).toBeLessThanOrEqual(22);
      expect(overwritten(plan)).toEqual([]);
    },
    60_000,
  );
  it('adds that end in a tail, and stages 1 and 3 that saturate, stay outside of blocks', () => {
    const plan = fused('torchvision_mobilenet_v2_fbgemm_full_range.pth');
    expect(kernels(plan).filter((kernel) => kernel === 'add_tail')).toHaveLength(2);
    expect(plan.steps.some(({ overrides }) => overrides['SATURATES'] === 1)).toBe(true);
  }, 60_000);
});
