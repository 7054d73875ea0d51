import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNpz, shared, sharedAvailable } from '../../../../tests/helpers/recorded_cases.ts';
import { findEngine } from '../../../engines/index.ts';
import { createPlan } from '../../../plan/plan.ts';
import { referenceTrace } from '../../../plan/reference.ts';
import { readTorch } from '../index.ts';

const FILES = [
  ['plain_qnnpack', 'qnnpack', 'qnnpack'],
  ['plain_fbgemm', 'x86', 'fbgemm-avx2'],
  ['rich_qnnpack', 'qnnpack', 'qnnpack'],
  ['rich_fbgemm', 'x86', 'fbgemm-avx2'],
] as const;

describe.skipIf(!sharedAvailable).each(FILES)(`torchscript_%s (needs ${shared})`, (name, made, recordedBy) => {
  it('opens, and every tensor that PyTorch recorded is equal', () => {
    const graph = readTorch(new Uint8Array(readFileSync(resolve(shared, `models/torchscript_${name}.pt`))));
    expect(graph.engine).toBe(made);
    const recorded = readNpz(`goldens/torchscript_${name}.npz`);
    const { data, shape } = recorded.get('input')!;
    const plan = createPlan(graph, { engine: findEngine(recordedBy) });
    const trace = referenceTrace(plan, { input: { type: 'float32', dims: shape, data: data as Float32Array } });
    const computed = new Map(trace.tensors.map((tensor) => [tensor.name, tensor]));
    const names = [...recorded.keys()].filter((key) => !/^(input|meta)$|:qparams$/.test(key));
    expect(names.length).toBeGreaterThan(6);
    for (const key of names) {
      const tensor = computed.get(key);
      expect(tensor?.shape, key).toEqual(recorded.get(key)!.shape);
      expect([...tensor!.data], key).toEqual([...(recorded.get(key)!.data as Uint8Array)]);
      const qparams = recorded.get(`${key}:qparams`);
      const quantization = graph.tensors.get(key)?.quantization;
      if (qparams) expect([quantization!.scale[0], quantization!.zeroPoint[0]]).toEqual(Array.from(qparams.data));
    }
  });
});
