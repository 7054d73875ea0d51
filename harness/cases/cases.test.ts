import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { generateCase, parseCaseId } from './generate.ts';
import type { Case } from './case.ts';
import { writeCase } from './onnx.ts';
import { graphRead } from './read.ts';
import { ortFolder } from '../chrome/ort_folder.ts';
import { runOnnxruntimeWeb } from '../oracles/onnxruntime_web.ts';
import { parseOnnx } from '../../src/formats/onnx/proto.ts';
import { byteRange, type Constant, type QuantizedType, type TensorInfo } from '../../src/graph/graph.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { referenceTrace } from '../../src/plan/reference.ts';

/** As many as e2e/cases.spec.ts compares with onnxruntime-web, of the same seed. */
/** As e2e/cases.spec.ts runs them. */
const [SEED, CASES] = [2, 600];

/** What the elements of linear layers came to. */
interface Reached {
  elements: number;
  /** |acc + bias| >= 2^24 */
  large: number;
  /** The scaled sum lies exactly between two codes of the output's range. */
  ties: number;
  lowest: number;
  highest: number;
}

/** Follows each element from its sum to its code. */
function follow({ graph, feeds }: Case, reached: Reached): void {
  const { tensors } = referenceTrace(createPlan(graph), feeds);
  const y = tensors.at(-1)!;
  const [x] = graph.inputs as [TensorInfo];
  const { scale } = graph.constants.get('w')!.quantization!;
  const bias = graph.constants.get('b')?.data as Int32Array | undefined;
  const output = y.quantization!;
  const [min, max] = byteRange(y.type as 'uint8');
  const channels = y.shape[1]!;
  const plane = y.data.length / (y.shape[0]! * channels);
  for (let i = 0; i < y.data.length; i++) {
    const channel = Math.floor(i / plane) % channels;
    const sum = y.accumulators![i]! + (bias?.[channel] ?? 0);
    const sw = scale[scale.length === 1 ? 0 : channel]!;
    const s = Math.fround(Math.fround(x.quantization!.scale[0]! * sw) / output.scale[0]!);
    const real = Math.fround(Math.fround(sum) * s) + output.zeroPoint[0]!;
    reached.elements++;
    reached.large += Number(Math.abs(sum) >= 2 ** 24);
    reached.ties += Number(real > min && real < max && Math.abs(real % 1) === 0.5);
    reached.lowest += Number(real < min);
    reached.highest += Number(real > max);
  }
}

describe('generated cases', () => {
  let cases: Case[];
  beforeAll(() => {
    cases = Array.from({ length: CASES }, (_, index) => generateCase('onnxruntime', SEED, index));
  });

  const inputs = (): TensorInfo[] => cases.flatMap(({ graph }) => graph.inputs);
  const integers = (least: number, most: number): number[] =>
    Array.from({ length: most - least + 1 }, (_, i) => least + i);

  it('have every batch from 1 to 5, 1 to 17 channels and far more, and every width from 1 to 33', () => {
    const seen = (axis: number): Set<number> => new Set(inputs().map(({ shape }) => shape[axis] ?? 1));
    expect(integers(1, 5).filter((batch) => !seen(0).has(batch))).toEqual([]);
    expect([...integers(1, 17), 130].filter((channels) => !seen(1).has(channels))).toEqual([]);
    expect(Math.max(...seen(1))).toBeGreaterThan(1024);
    expect(integers(1, 33).filter((width) => !seen(3).has(width))).toEqual([]);
  });

  it('pad with every kind of zero point, of both types', () => {
    const padded = cases.filter(({ graph }) => (graph.nodes[0]!.attributes['pads'] as number[])?.some((p) => p > 0));
    const zeros = new Set(
      padded.map(({ graph }) => `${graph.inputs[0]!.type} ${graph.inputs[0]!.quantization!.zeroPoint[0]}`),
    );
    expect(padded.length).toBeGreaterThan(200);
    for (const zero of ['uint8 0', 'uint8 128', 'uint8 255', 'int8 -128', 'int8 0', 'int8 127'])
      expect(zeros).toContain(zero);
    expect(zeros.size).toBeGreaterThan(50);
  });

  it('quantize weights per tensor and per channel, signed and unsigned, with and without zero points', () => {
    const kinds = cases
      .flatMap(({ graph }): Constant[] => [graph.constants.get('w')].filter((w) => w !== undefined))
      .map(({ type, quantization }) => {
        const { scale, zeroPoint } = quantization!;
        return `${type} ${scale.length > 1 ? 'per channel' : 'per tensor'} ${zeroPoint.some((z) => z !== 0) ? 'zero points' : 'plain'}`;
      });
    for (const kind of ['int8 per channel plain', 'int8 per tensor zero points', 'uint8 per channel zero points'])
      expect(kinds).toContain(kind);
  });

  it('reach sums of 2^24 and more, ties, and both ends of the range', () => {
    const reached: Reached = { elements: 0, large: 0, ties: 0, lowest: 0, highest: 0 };
    for (const test of cases) if (test.graph.constants.has('w') && test.graph.tensors.has('y')) follow(test, reached);
    expect(reached.elements).toBeGreaterThan(500_000);
    for (const count of [reached.large, reached.ties, reached.lowest, reached.highest])
      expect(count).toBeGreaterThan(1_000);
  }, 60_000);

  it.each(['onnxruntime-arm64', 'onnxruntime-arm64-nodot'])('of %s wrap pairs', (name) => {
    const wrapped = Array.from({ length: 200 }, (_, index) => generateCase(name, 1, index)).filter((test) => {
      if (!test.graph.constants.has('w')) return false;
      const plan = createPlan(graphRead(test));
      const exact = { ...plan.engine, accumulation: () => 'exact' as const };
      const [sums, without] = [plan.engine, exact].map(
        (engine) => referenceTrace({ ...plan, engine }, test.feeds).tensors.at(-1)!.accumulators!,
      );
      return sums!.some((sum, i) => sum !== without![i]);
    });
    expect(wrapped.length).toBeGreaterThan(4);
  });

  it('are the same for the same engine, seed and index, which their name says', () => {
    expect(cases[17]).toEqual(generateCase('onnxruntime', SEED, 17));
    expect(parseCaseId(cases[17]!.id)).toEqual({ engine: 'onnxruntime', seed: SEED, index: 17, atBoundaries: false });
    expect(() => parseCaseId('onnxruntime/1')).toThrow('ENGINE/SEED/INDEX');
  });

  it('are written in both of the forms that ONNX has, of every operator', () => {
    const operators = (form: Case['form']): Set<string> =>
      new Set(
        cases
          .filter((test) => test.form === form)
          .map(({ graph }) =>
            parseOnnx(writeCase(graph, form))
              .graph!.nodes.map(({ opType }) => opType)
              .join(' '),
          ),
      );
    expect([...operators('qdq')]).toEqual(
      expect.arrayContaining([
        'DequantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear',
        'DequantizeLinear DequantizeLinear DequantizeLinear Gemm QuantizeLinear',
        'DequantizeLinear DequantizeLinear Add QuantizeLinear',
        'DequantizeLinear GlobalAveragePool QuantizeLinear',
      ]),
    );
    expect([...operators('qoperator')]).toEqual(
      expect.arrayContaining([
        'QLinearConv',
        'QGemm',
        'QLinearAdd',
        'QLinearGlobalAveragePool',
        'QuantizeLinear',
        'DequantizeLinear',
        'Add',
      ]),
    );
  });

  it('that onnxruntime refuses to run, exact8 refuses to plan', async () => {
    const { graph, form, feeds } = cases.find(({ graph }) => graph.nodes[0]!.op === 'GlobalAveragePool')!;
    const y = {
      ...graph.tensors.get('y')!,
      quantization: { scale: Float32Array.of(1e-6), zeroPoint: Int32Array.of(0) },
    };
    const x = { ...graph.inputs[0]!, quantization: { scale: Float32Array.of(1), zeroPoint: Int32Array.of(0) } };
    const extreme = { ...graph, inputs: [x], tensors: new Map([['y', y as QuantizedType]]) };
    ort.env.wasm.wasmPaths = pathToFileURL(`${ortFolder()}/`).href;
    await expect(runOnnxruntimeWeb(writeCase(extreme, form), feeds)).rejects.toThrow('out of computation range');
    expect(() => createPlan(extreme)).toThrow(
      /node 'GlobalAveragePool' \(GlobalAveragePool\): onnxruntime computes no average whose scale is .*; supported: from 2\^-32/,
    );
  });
});
