import { describe, expect, it } from 'vitest';
import { generateCase } from '../harness/cases/generate.ts';
import * as library from '../src/index.ts';
import { smallQdqModel, smallQOperatorModel } from './helpers/small_onnx.ts';
import { tinyMobileNetV2, TorchFile } from './helpers/torch_file.ts';

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
