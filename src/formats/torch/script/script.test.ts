import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNpz, shared, sharedAvailable } from '../../../../tests/helpers/recorded_cases.ts';
import { findEngine } from '../../../engines/index.ts';
import { createPlan } from '../../../plan/plan.ts';
import { referenceTrace } from '../../../plan/reference.ts';
import { InvalidModelError, UnsupportedModelError } from '../../../errors.ts';
import { Random } from '../../../../models/random.ts';
import { OPERATORS_BODY, SCRIPT_BODY, scriptFile } from '../../../../tests/helpers/script_file.ts';
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

describe('a small TorchScript file', () => {
  it('is a graph, whose tensors have the names of modules and operators', () => {
    const { nodes, inputs, constants, tensors } = readTorch(scriptFile());
    expect(inputs).toEqual([{ name: 'input', type: 'float32', shape: [-1, 2, -1, -1] }]);
    expect(nodes.filter(({ op }) => op !== 'Shape').map(({ name, op }) => `${name} ${op}`)).toEqual([
      'quantize_per_tensor QuantizeLinear',
      'conv Conv',
      'relu Relu',
      'cat.from0 Slice',
      'cat.rescaled Rescale',
      'cat.from0_1 Slice',
      'cat.rescaled_1 Rescale',
      'cat Concat',
      'max_pool2d MaxPool',
      'view.shape Concat',
      'view Reshape',
      'transpose Transpose',
      'reshape.shape Concat',
      'reshape Reshape',
      'output DequantizeLinear',
    ]);
    expect(constants.get('conv.weight')).toMatchObject({ shape: [4, 2, 3, 3], type: 'int8' });
    expect(tensors.get('conv')!.quantization).toEqual({ scale: Float64Array.of(0.25), zeroPoint: Int32Array.of(2) });
  });

  it('may have other operators on bytes', () => {
    const { nodes, tensors } = readTorch(scriptFile(OPERATORS_BODY));
    const ops = nodes.map(({ name, op }) => `${name} ${op}`).filter((one) => !/cat\./.test(one));
    expect(ops).toEqual([
      'quantize_per_tensor QuantizeLinear',
      'conv Conv',
      'hardtanh Clip',
      'add_scalar AddScalar',
      'mean ReduceMean',
      'relu6 Clip',
      'avg_pool2d AveragePool',
      'slice.from1 Slice',
      'split.from0 Slice',
      'split.from2 Slice',
      'mul_scalar Complement',
      'upsample_nearest2d Resize',
      'sigmoid Sigmoid',
      'unsqueeze Unsqueeze',
      'squeeze Squeeze',
      'flatten Reshape',
      'adaptive_avg_pool2d AdaptiveAveragePool',
      'mul Mul',
      'cat Concat',
      'output DequantizeLinear',
    ]);
    // 2 - 500 / 0.25 is below 0 by 1,998 steps
    expect(tensors.get('add_scalar')!.quantization).toEqual({
      scale: Float64Array.of(((255 + 1998) / 255) * 0.25),
      zeroPoint: Int32Array.of(0),
    });
    expect(tensors.get('mul_scalar')!.quantization!.zeroPoint[0]).toBe(253);
  });

  const twice = Array.from({ length: 20 }, (_, i) => `l${i + 1} = [${`l${i}, `.repeat(9)}]`);
  it.each([
    ['a loop', ['for i in range(3):', '  y = x'], /__torch__\.py, line 6: 'for'; supported: code without loops/],
    [
      'an unknown operator',
      ['y = ops.quantized.elu(x, 1)'],
      /line 6: ops\.quantized\.elu: .*float32.*quantize the network/,
    ],
    [
      'one on bytes',
      [...SCRIPT_BODY, 'y = ops.quantized.celu(a, 1)'],
      /line 14: ops\.quantized\.celu.*not known.*hardswish/,
    ],
    [
      'a float network',
      ['y = torch.conv2d(x, x, None)'],
      /torch\.conv2d.*torch\.jit\.save\(torch\.jit\.trace\(model, example\)/,
    ],
    ['a condition of tensors', ['if x:', '  y = x'], /a condition that is a float tensor.*constant conditions/],
    ['a call of itself', ['y = (self).forward(x, )'], /calls within calls, 64/],
    ['an import', ['import os', 'y = x'], /'import'/],
    ['a builtin', ['y = eval("1")'], /eval: an operator that is not known/],
    ['no attribute', ['y = self.other(x)'], /has no method 'other'/],
    ['lists of lists', ['l0 = [x]', ...twice, 'y = l20'], /torch\.dequantize: a sequence of 9/],
    ['deep brackets', [`y = ${'('.repeat(1000)}x${')'.repeat(1000)}`], /nested more than 64/],
    ['no code', ['y = $'], /line 6: "\$" is no code/],
    ['half a statement', ['y = (x'], /in place of \)/],
    ['half a part', [...OPERATORS_BODY, 'y = torch.split(a, 1.5, 1)'], /parts of 1.5 of 4; supported: whole numbers/],
    ['a step back', [...OPERATORS_BODY, 'y = torch.slice(a, 1, 0, 3, -1)'], /in steps of -1; supported: whole/],
    [
      'parts without end',
      [...OPERATORS_BODY, 'y = torch.split(torch.reshape(a, [1, 100000000]), 1, 1)'],
      /parts of 1 of 100000000; supported: .* up to 1024 parts/,
    ],
    ['a scale that is none', [...OPERATORS_BODY, 'y = ops.quantized.mul_scalar(a, 1e300)'], /the scale .*; expected/],
    ['training', [...OPERATORS_BODY, 'y = torch.dropout(a, 0.5, True)'], /training; supported: model.eval/],
    ['a type of 32 bits', ['y = torch.quantize_per_tensor(x, 0.1, 0, 14)'], /type 14; supported: quint8/],
  ])('%s is refused by line and name', (_, body, message) => {
    expect(() => readTorch(scriptFile(body))).toThrow(message);
  });

  it('of more code than a network needs is refused before it is expanded', () => {
    const body = [...SCRIPT_BODY, `y = "${'a'.repeat(17 << 20)}"`];
    const bytes = scriptFile(body);
    expect(bytes.length).toBeLessThan(100_000);
    expect(() => readTorch(bytes)).toThrow(/bytes of code in zip entries; supported: up to/);
  });

  it('survives any other code: a graph, or an error of the project', () => {
    const random = new Random(1);
    const parts = SCRIPT_BODY.flatMap((line) => line.match(/\w+|\W/g) ?? []);
    let refused = 0;
    for (let i = 0; i < 400; i++) {
      const body = SCRIPT_BODY.map((line) => {
        if (!random.chance(0.3)) return line;
        const words: string[] = [...(line.match(/\w+|\W/g) ?? [])];
        words[random.integer(0, words.length - 1)] = random.pick(parts);
        return words.join('');
      });
      try {
        readTorch(scriptFile(body));
      } catch (error) {
        if (!(error instanceof InvalidModelError || error instanceof UnsupportedModelError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});
