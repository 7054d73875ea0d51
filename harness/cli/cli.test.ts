import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { NoBrowserError } from '../chrome/errors.ts';
import { exitCodeOf } from './exit_codes.ts';
import { inputHash, readFeeds } from './feeds.ts';
import { inspectPlan } from './inspect.ts';
import { printStage, STAGES } from './stages.ts';
import { table } from './output.ts';
import { extremeFeeds, randomFeeds } from './generated_inputs.ts';
import { comparisonTable } from './verify.ts';
import { writeNpy, type NpyArray } from '../numpy/npy.ts';
import { openNpz, writeNpz } from '../numpy/npz.ts';
import { traceToNpz } from '../numpy/trace_npz.ts';
import { rankClasses } from '../../src/classes.ts';
import { DeviceError, InvalidInputError, InvalidModelError, UnsupportedModelError } from '../../src/errors.ts';
import type { Graph, Quantization, TensorInfo } from '../../src/graph/graph.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { Tensor } from '../../src/tensor.ts';

const QUANTIZATION: Quantization = { scale: Float32Array.of(0.5), zeroPoint: Int32Array.of(128) };

/** One QuantizeLinear, x to q; two elements wide so that a checkerboard shows. */
function quantizeGraph(): Graph {
  const x: TensorInfo = { name: 'x', type: 'float32', shape: [-1, 1, 2, 2] };
  return {
    name: 'quantize',
    format: 'onnx',
    engine: 'onnxruntime',
    nodes: [{ name: 'n', op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'], attributes: {} }],
    inputs: [x],
    outputs: ['q'],
    constants: new Map([
      ['s', { name: 's', type: 'float32', shape: [], data: Float32Array.of(0.5) }],
      ['z', { name: 'z', type: 'uint8', shape: [], data: Uint8Array.of(128) }],
    ]),
    tensors: new Map([['q', { name: 'q', type: 'uint8', quantization: QUANTIZATION }]]),
  };
}

describe('exit codes', () => {
  it.each([
    [new InvalidModelError('x'), 2],
    [new UnsupportedModelError('x'), 2],
    [new InvalidInputError('x'), 2],
    [new CommanderError(1, 'commander.unknownOption', 'x'), 2],
    [new CommanderError(0, 'commander.helpDisplayed', 'x'), 0],
    [new NoBrowserError('x'), 3],
    [new DeviceError('x'), 3],
    [new Error('x'), 4],
    ['x', 4],
  ])('%s: %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});

describe('rankClasses', () => {
  const output = { dims: [1, 3], data: [1, 3, 2] };

  it('orders classes by their score', () => {
    const classes = rankClasses(output, ['a', 'b', 'c'], 2);
    expect(classes.map(({ index, label, score }) => [index, label, score])).toEqual([
      [1, 'b', 3],
      [2, 'c', 2],
    ]);
    expect(classes[0]!.probability).toBeCloseTo(Math.E ** 2 / (1 + Math.E + Math.E ** 2));
  });

  it('numbers classes without labels, and keeps the order of equal scores', () => {
    expect(rankClasses({ dims: [1, 2], data: [5, 5] }, undefined, 5).map(({ label }) => label)).toEqual([
      'class 0',
      'class 1',
    ]);
  });

  it('refuses labels of another number, and outputs that are no classes', () => {
    expect(() => rankClasses(output, ['a'], 1)).toThrow('1 labels for 3 classes');
    expect(() => rankClasses({ dims: [1, 2, 2], data: [1, 2, 3, 4] }, undefined, 1)).toThrow('[1, 2, 2]');
  });
});

describe('generated inputs', () => {
  const plan = createPlan(quantizeGraph());

  it('--random is the same for the same seed, inside the quantized range, and another for another seed', () => {
    const [a, b, c] = [1, 1, 2].map((seed) => inputHash(randomFeeds(plan, seed)));
    expect(a).toBe(b);
    expect(a).not.toBe(c);
    const { data, dims } = randomFeeds(plan, 1)['x']!;
    expect(dims).toEqual([1, 1, 2, 2]);
    for (const value of data) expect(Math.abs(Number(value) + 0.25)).toBeLessThanOrEqual(63.75);
  });

  it('--extremes are the ends of the quantized range', () => {
    expect(extremeFeeds(plan).map(({ feeds }) => [...feeds['x']!.data])).toEqual([
      [-64, -64, -64, -64],
      [63.5, 63.5, 63.5, 63.5],
      [-64, 63.5, 63.5, -64],
      [63.5, -64, -64, 63.5],
    ]);
  });

  it('take every value of 8-bit inputs', () => {
    const inputs: TensorInfo[] = [{ name: 'b', type: 'int8', shape: [1, 1, 64, 64] }];
    const bytes = { ...plan, graph: { ...plan.graph, inputs } };
    expect(new Set(randomFeeds(bytes, 7)['b']!.data as Int8Array).size).toBe(256);
    expect(extremeFeeds(bytes)[0]!.feeds['b']!.data[0]).toBe(-128);
  });
});

describe('readFeeds', () => {
  const folder = mkdtempSync(join(tmpdir(), 'exact8-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const graph = quantizeGraph();
  const array: NpyArray = { shape: [2, 1, 2, 2], data: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7) };
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const npy = write('x.npy', writeNpy(array));
  const npz = write(
    'x.npz',
    writeNpz([
      ['x', array],
      ['y', { shape: [1], data: Uint8Array.of(1) }],
    ]),
  );
  const other = write('other.npz', writeNpz([['whatever', array]]));

  it.each([npy, npz, `${npz}:x`, other, `${other}:whatever`])('reads %s', async (specification) => {
    expect(await readFeeds(graph, specification)).toEqual({
      x: new Tensor('float32', array.data as never, array.shape),
    });
  });

  it.each([
    [`${npz}:y`, 'x is float32 [any, 1, 2, 2], got |u1 [1]'],
    [`${npz}:z`, 'no array "z"; it has x, y'],
    [join(folder, 'none.npy'), 'cannot read'],
  ])('refuses %s', async (specification, message) => {
    await expect(readFeeds(graph, specification)).rejects.toThrow(InvalidInputError);
    await expect(readFeeds(graph, specification)).rejects.toThrow(message);
  });
});

describe('what is printed', () => {
  it('is in columns', () => {
    expect(
      table(
        ['a', 'n'],
        [
          ['long', '1'],
          ['b', '10'],
        ],
        ['n'],
      ),
    ).toBe('a      n\nlong   1\nb     10');
  });

  it('names the first mismatch of a tensor', () => {
    const first = { index: [0, 1, 2, 3], expected: 4, actual: 5 };
    const row = { name: 'conv', op: 'Conv', shape: [1, 2, 3, 4], elements: 24, mismatches: 1, maxAbsDiff: 1, first };
    expect(comparisonTable({ tensors: [row], elements: 24, mismatches: 1 })).toContain(
      '[0, 1, 2, 3] expected 4, got 5',
    );
  });

  it('counts what a plan does', () => {
    const { layers, totals } = inspectPlan(createPlan(quantizeGraph()));
    expect(layers.map(({ op, output, shape }) => [op, output, shape])).toEqual([['QuantizeLinear', 'q', [1, 1, 2, 2]]]);
    expect(totals).toMatchObject({ nodes: 1, dispatches: 1, macs: 0 });
  });

  it('is every stage of a model, as plain data and in columns', () => {
    const graph = quantizeGraph();
    const model = { graph, plan: createPlan(graph), shapes: {} };
    const printed = STAGES.filter((stage) => stage !== 'plan').map((stage) => printStage(model, stage));
    for (const { data } of printed) expect(JSON.parse(JSON.stringify(data))).toEqual(data);
    expect(printed.map(({ text }) => text.split('\n')[1])).toEqual([
      'n     QuantizeLinear  x, s, z  q',
      'n     QuantizeLinear  x, s, z  q',
      'n     QuantizeLinear  x, s, z  q uint8 [1, 1, 2, 2]',
      'n     quantize  x      q uint8 [1, 1, 2, 2]',
      'quantize  n             q uint8 [1, 1, 2, 2]',
    ]);
  });
});

describe('traceToNpz', () => {
  it('writes tensors, their quantization and accumulators', () => {
    const q = { name: 'q', node: 'n', op: 'Conv', type: 'uint8', shape: [1, 2], data: Uint8Array.of(7, 8) } as const;
    const accumulators = Int32Array.of(-1, 1);
    const npz = openNpz(
      traceToNpz({ tensors: [{ ...q, quantization: QUANTIZATION, accumulators }], outputs: {} }, { engine: 'x86' }),
    );
    expect(npz.names).toEqual(['q', 'q:qparams', 'q:acc', 'meta']);
    expect(new TextDecoder().decode(npz.read('meta').data as Uint8Array<ArrayBuffer>)).toBe(
      '{"layout":"NCHW","engine":"x86"}',
    );
    expect(npz.read('q')).toEqual({ shape: [1, 2], data: q.data });
    expect(npz.read('q:qparams')).toEqual({ shape: [2], data: Float64Array.of(0.5, 128) });
    expect(npz.read('q:acc')).toEqual({ shape: [1, 2], data: accumulators });
  });
});
