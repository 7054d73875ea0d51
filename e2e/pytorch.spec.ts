import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';
import { chosen, LONG } from '../tests/helpers/long.ts';
import { exact8 } from './command.ts';
import { engineOn } from '../harness/cli/mine.ts';
import { detectProcessor } from '../harness/cli/processor.ts';
import { bitsOf, firstDifference } from '../harness/compare/bits.ts';
import type { Runtime } from '../src/engines/origin.ts';
import { UnsupportedModelError } from '../src/errors.ts';
import { generateAtBoundaries } from '../harness/cases/at_boundaries/index.ts';
import { inferGraph } from '../src/layers/infer.ts';
import { referenceTrace } from '../src/plan/reference.ts';
import { findEngine } from '../src/engines/index.ts';
import { PythonPyTorch } from './pytorch/engine.ts';
import { PYTORCH, pythonWith } from './python.ts';

/** The engine that one of PyTorch's is on this processor, as `exact8 engines --mine` says. */
const { processor } = detectProcessor();
const engineOf = (engine: string): string => (processor && engineOn(`pytorch-${engine}` as Runtime, processor)) ?? '';
/** What makes PyTorch's engines compute as on a machine without VNNI; x86 asks the processor which of them it takes. */
const WITHOUT_VNNI = { FBGEMM_ENABLE_INSTRUCTIONS: 'AVX2', ONEDNN_MAX_CPU_ISA: 'AVX2' };
const VNNI = processor === 'x64-avx512-vnni';

/** Widths, the engine that a model is quantized for, and the engines that run it. */
const TRACES: readonly (readonly [width: string, made: string, engines: readonly string[]])[] = chosen(
  [
    ['0.35', 'qnnpack', ['qnnpack']],
    ['0.35', 'x86', VNNI ? ['x86', 'fbgemm', 'onednn'] : ['x86', 'fbgemm']],
  ],
  [
    ['1.4', 'qnnpack', ['qnnpack']],
    ['1.4', 'x86', VNNI ? ['x86', 'fbgemm', 'onednn'] : ['x86', 'fbgemm']],
  ],
);

for (const [width, made, engines] of TRACES)
  test(`traces that the example records from a real PyTorch equal exact8: width ${width}, ${engines.join(', ')}`, async ({
    baseURL: _,
  }, info) => {
    test.setTimeout(900_000);
    const python = pythonWith(PYTORCH);
    test.skip(python === undefined, 'needs a Python with PyTorch and torchvision');
    const folder = info.outputPath('traces');
    mkdirSync(folder, { recursive: true });
    const args = ['e2e/pytorch/record.py', folder, width, made, ...engines];
    const { status, stderr } = spawnSync(python!, args, { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    for (const engine of engines) {
      const [model, trace] = [join(folder, 'model.pth'), join(folder, `${engine}.npz`)];
      // what is equal end to end is equal layer by layer, too
      const options = ['--engine', engineOf(engine), '--json'];
      const result = await exact8(['verify', '--model', model, '--against', trace, ...options]);
      expect(result.code, `${engine}: ${result.stderr}`).toBe(0);
      expect(JSON.parse(result.stdout)).toMatchObject({ mode: 'end-to-end', mismatches: 0 });
    }
  });

test('traces of a machine without VNNI are told from those of one with it', async ({ baseURL: _ }, info) => {
  test.setTimeout(600_000);
  const python = pythonWith(PYTORCH);
  test.skip(python === undefined, 'needs a Python with PyTorch and torchvision');
  const folder = info.outputPath('traces');
  mkdirSync(folder, { recursive: true });
  const args = ['e2e/pytorch/record.py', folder, '0.35', 'qnnpack', 'fbgemm', 'onednn'];
  const env = { ...process.env, ...WITHOUT_VNNI };
  const { status, stderr } = spawnSync(python!, args, { encoding: 'utf8', env });
  expect(status, stderr).toBe(0);
  for (const [engine, identified] of [
    ['fbgemm', ['fbgemm-avx2', 'x86-avx2']],
    ['onednn', ['onednn-avx2']],
  ] as const) {
    const files = ['--model', join(folder, 'model.pth'), '--against', join(folder, `${engine}.npz`)];
    const { code, stdout } = await exact8(['identify', ...files, '--json']);
    expect({ code, identified: JSON.parse(stdout).identified }).toEqual({ code: 0, identified });
  }
});

const CASES = LONG ? 600 : 120;

for (const name of ['qnnpack', 'fbgemm', 'fbgemm-avx2', 'onednn', 'onednn-avx2', 'x86', 'x86-avx2'])
  test(`${name}: ${CASES} operators where it steps equal live PyTorch`, async ({ baseURL: _ }) => {
    test.setTimeout(600_000);
    const python = pythonWith(PYTORCH);
    test.skip(python === undefined, 'needs a Python with PyTorch');
    test.skip(!VNNI && ['fbgemm', 'onednn', 'x86'].includes(name), 'needs an x86-64 processor with AVX-512 VNNI');
    // which of the two x86 takes, it asks the processor
    test.skip(VNNI && name === 'x86-avx2', 'needs an x86-64 processor without AVX-512 VNNI');
    const own = name.replace('-avx2', '');
    const pytorch = new PythonPyTorch(python!, own === name ? {} : WITHOUT_VNNI);
    const engine = findEngine(name);
    let [elements, refused] = [0, 0];
    const wrong: string[] = [];
    for (let index = 0; index < CASES; index++) {
      const test = generateAtBoundaries(name, 1, index);
      const host = () =>
        referenceTrace({ graph: inferGraph(test.graph, engine), engine }, test.feeds).outputs['y']!.data;
      const theirs = await pytorch.run(own, test).then(
        ({ data }) => data,
        () => undefined,
      );
      // what qnnpack does not take is refused
      if (theirs === undefined) {
        expect(host, test.id).toThrow(UnsupportedModelError);
        refused++;
        continue;
      }
      const ours = host();
      elements += ours.length;
      const { count } = firstDifference(bitsOf(ours), bitsOf(theirs));
      if (count > 0) wrong.push(`${test.id}: ${test.description}: ${count} of ${ours.length}`);
    }
    pytorch.close();
    expect(wrong).toEqual([]);
    expect(refused).toBeLessThan(CASES / 20);
    expect(elements).toBeGreaterThan(50_000);
  });
