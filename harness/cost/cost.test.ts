import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateBlock } from '../cases/blocks.ts';
import { checkPlan, readBench } from './check.ts';
import { GPUS, type Device } from './gpus.ts';
import { predictPlan, predictStep } from './predict.ts';
import { defaultModel } from '../../models/index.ts';
import { readModel } from '../../src/formats/index.ts';
import { planCost, planMemory, stepCost, type PlanCost } from '../../src/plan/cost.ts';
import { createPlan, type Plan } from '../../src/plan/plan.ts';

const { graph } = generateBlock('qnnpack', 1, 0);
const unfused = createPlan(graph);
const fused = createPlan(graph, { fusion: 'blocks' });

describe('what a plan costs', () => {
  it('is what its dispatches read and write, each byte once', () => {
    const step = unfused.steps[0]!;
    const { shape } = unfused.graph.inputs[0]!;
    const [batch, channels, height, width] = shape as [number, number, number, number];
    const input = batch * height * width * Math.ceil(channels / 4) * 4;
    const output = unfused.graph.tensors.get(step.output)!.shape;
    const written = output[0]! * output[2]! * output[3]! * Math.ceil(output[1]! / 4) * 4;
    const data = [
      ...step.operands.flatMap((operand) => ('data' in operand ? [operand.data] : [])),
      ...step.parameters.map((parameter) => parameter as Int32Array),
    ].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(stepCost(step, unfused).bytes).toBe(input + written + data);
  });
  it('fused: fewer dispatches, fewer bytes, the halo computed again', () => {
    const [before, after] = [planCost(unfused), planCost(fused)];
    expect(after.dispatches).toBe(1);
    expect(after.macs).toBe(before.macs);
    expect(after.computedMacs).toBeGreaterThan(after.macs);
    expect(after.bytes).toBeLessThan(before.bytes);
    expect(before.rereadBytes).toBe(0);
  });
});

describe('what a plan holds', () => {
  it('is no less than what a step needs at one time, and fused less', () => {
    const [before, after] = [planMemory(unfused), planMemory(fused)];
    for (const { allocatedBytes, leastBytes } of [before, after])
      expect(allocatedBytes).toBeGreaterThanOrEqual(leastBytes);
    expect(after.leastBytes).toBeLessThan(before.leastBytes);
  });
  it('counts what waits to be read, and not what was', () => {
    // 8 by 8 pixels of a word: x, then a of x, b of a, c of x and b
    const tensors = ['x', 'a', 'b', 'c'].map((name) => [name, { name, type: 'uint8', shape: [1, 4, 8, 8] }] as const);
    const step = (output: string, ...reads: string[]) => ({
      output,
      operands: reads.map((tensor) => ({ tensor })),
      parameters: [],
    });
    const plan = {
      graph: { inputs: [tensors[0]![1]], outputs: ['c'], constants: new Map() },
      tensors: new Map(tensors),
      steps: [step('a', 'x'), step('b', 'a'), step('c', 'b', 'x')],
      views: new Map(),
      buffers: [256, 256, 256],
    } as unknown as Plan;
    expect(planMemory(plan)).toEqual({ allocatedBytes: 768, leastBytes: 3 * 256 });
    const chain = { ...plan, steps: [step('a', 'x'), step('b', 'a'), step('c', 'b')] } as unknown as Plan;
    expect(planMemory(chain).leastBytes).toBe(2 * 256);
  });
});

describe('a prediction', () => {
  const device: Device = { name: 'd', tmacs: 1, gbytes: 1, processors: 10, dispatchUs: 1, source: 'test' };
  const work = { macs: 1e9, computedMacs: 1e9, bytes: 1e3, rereadBytes: 0, workgroups: 100, workgroupBytes: 0 };
  it('is bound by the longest of arithmetic, memory and dispatch', () => {
    expect(predictStep(work, device)).toEqual({
      computeMs: 1,
      memoryMs: 0.001,
      dispatchMs: 0.001,
      ms: 1.001,
      bound: 'compute',
    });
    expect(predictStep({ ...work, computedMacs: 1e3, bytes: 1e7 }, device)).toMatchObject({
      ms: 10.001,
      bound: 'memory',
    });
    expect(predictStep({ ...work, computedMacs: 1, bytes: 1 }, device).bound).toBe('dispatch');
  });
  it('leaves processors idle where there are fewer workgroups', () => {
    expect(predictStep({ ...work, workgroups: 5 }, device).computeMs).toBe(2);
  });
  it('adds up', () => {
    const cost: PlanCost = { ...planCost(unfused), steps: [work, work] };
    expect(predictPlan(cost, device)).toMatchObject({ ms: 2.002, bounds: { compute: 2, memory: 0, dispatch: 0 } });
  });
  it('of published figures says where they are from', () => {
    for (const gpu of GPUS) {
      expect(gpu.source).toMatch(/\w/);
      for (const figure of [gpu.tmacs, gpu.gbytes, gpu.processors, gpu.dispatchUs]) expect(figure).toBeGreaterThan(0);
    }
    expect(new Set(GPUS.map(({ name }) => name)).size).toBe(GPUS.length);
  });
});

describe('against what bench measured', () => {
  const layer = unfused.steps[0]!.node;
  const bench = { roof: { gmacs: 10, gbytes: 2, dispatchMs: 0.01 }, layers: [{ name: layer, ms: 0.5 }] };
  it('predicts from the measured roof, and gives the error', () => {
    const [checked, ...others] = checkPlan(unfused, readBench(JSON.stringify(bench), 'b.json'));
    expect(others).toEqual([]);
    const { macs, bytes } = stepCost(unfused.steps[0]!, unfused);
    const predicted = Math.max(macs / 10e6, bytes / 2e6) + 0.01;
    expect(checked!.predicted.ms).toBeCloseTo(predicted, 12);
    expect(checked!.error).toBeCloseTo(predicted / 0.5 - 1, 12);
  });
  it('refuses what bench did not print', () => {
    for (const text of ['', '{}', '{"roof":{},"layers":[]}', '{"roof":{"gmacs":1,"gbytes":1},"layers":[1]}'])
      expect(() => readBench(text, 'b.json')).toThrow(/^b\.json: .*expected: what exact8 bench --json prints/);
  });
});

it('the default MobileNetV2 fused takes at most 22 dispatches and moves at most 6 MB; with adds folded alone at most 64', async () => {
  const model = readModel(await defaultModel());
  const cost = planCost(createPlan(model, { fusion: 'blocks' }));
  expect(cost.dispatches).toBeLessThanOrEqual(22);
  expect(cost.bytes).toBeLessThanOrEqual(6e6);
  expect(planCost(createPlan(model, { fusion: 'layers' })).dispatches).toBeLessThanOrEqual(64);
});

describe.skipIf(!existsSync('../shared/models'))('models of ../shared', () => {
  it('a fused MobileNetV2 1.0 224 takes at most 22 dispatches and moves at most 6 MB', () => {
    const model = readModel(readFileSync('../shared/models/torchvision_mobilenet_v2_qnnpack.pth'));
    const cost = planCost(createPlan(model, { fusion: 'blocks' }));
    expect(cost.macs).toBe(300_774_272);
    expect(cost.dispatches).toBeLessThanOrEqual(22);
    expect(cost.bytes).toBeLessThanOrEqual(6e6);
    expect(planCost(createPlan(model, { fusion: 'layers' })).dispatches).toBeLessThanOrEqual(64);
  }, 120_000);
});
