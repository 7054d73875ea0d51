import { existsSync } from 'node:fs';
import { expect, test } from 'playwright/test';
import { tfliteOracle } from '../harness/oracles/tfjs_tflite.ts';
import { installTfjsTflite, openTfjsTflite } from '../harness/process/tfjs_tflite.ts';
import { Random } from '../models/random.ts';
import { UnsupportedModelError } from '../src/errors.ts';
import { readModel } from '../src/formats/index.ts';
import { findEngine } from '../src/engines/index.ts';
import { inferGraph } from '../src/layers/infer.ts';
import { createPlan } from '../src/plan/plan.ts';
import { referenceTrace } from '../src/plan/reference.ts';
import { Tensor } from '../src/tensor.ts';
import { chosen } from '../tests/helpers/long.ts';
import { smallTflite } from '../tests/helpers/small_tflite.ts';
import { recordedOperators, TFLITE_OPERATORS } from '../tests/helpers/tflite_operators.ts';
import { exact8 } from './command.ts';

const engine = findEngine('tfjs-tflite');

/** Skips by name; in CI the package is installed. */
async function needTfjsTflite() {
  if (process.env['CI']) await installTfjsTflite().catch(() => undefined);
  const tflite = await openTfjsTflite().catch(() => undefined);
  test.skip(tflite === undefined, 'needs the package @tensorflow/tfjs-tflite');
  return tflite!;
}

test('small networks equal tfjs-tflite in every tensor', async () => {
  const tflite = await needTfjsTflite();
  for (const type of ['uint8', 'int8'] as const)
    for (const channels of [1, 13, 16])
      for (const seed of [1, 2, 3, 4]) {
        const bytes = smallTflite(type, seed, channels);
        const random = new Random(seed);
        const low = type === 'int8' ? -128 : 0;
        const values = Array.from({ length: 192 }, () => random.integer(low, low + 255));
        const data = type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values);
        const feeds = { x: new Tensor(type, data as never, [1, 3, 8, 8]) };
        const plan = createPlan(readModel(bytes), { engine });
        const { tensors } = await tfliteOracle(tflite, bytes, plan.graph).run(feeds);
        expect(Object.keys(tensors)).toHaveLength(7);
        for (const { name, op, data: ours } of referenceTrace(plan, feeds).tensors)
          if (op !== 'input')
            expect([...ours], `${type}, ${channels} channels, seed ${seed}: ${name}`).toEqual([...tensors[name]!.data]);
      }
});

test('456 operators equal tfjs-tflite, or are refused (needs ../shared)', async () => {
  test.skip(!existsSync(TFLITE_OPERATORS), 'needs ../shared');
  const tflite = await needTfjsTflite();
  const [wrong, refused] = [[] as string[], {} as Record<string, number>];
  for (const { name, op, bytes, feeds: feedsOf } of recordedOperators())
    try {
      const read = readModel(bytes);
      const graph = inferGraph(read, engine);
      const feeds = feedsOf(read);
      const { outputs } = await tfliteOracle(tflite, bytes, graph).run(feeds);
      for (const [tensor, ours] of Object.entries(referenceTrace({ graph, engine }, feeds).outputs)) {
        const theirs = outputs[tensor]!.data;
        if (ours.data.length === 0 || [...ours.data].some((value, i) => !Object.is(value, theirs[i]))) wrong.push(name);
      }
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      refused[op] = (refused[op] ?? 0) + 1;
    }
  expect(wrong).toEqual([]);
  expect(refused).toEqual({ MEAN: 22, SUM: 26 });
});

const PHOTOS = ['chelsea.png', 'cat_720p.jpg', 'coffee.png', 'hot_dog.jpg'];
const MODELS = ['mobilenetv1_025_128_u8', 'mobilenetv2_u8', 'mobilenetv2_i8_per_channel'];
const ALL = MODELS.flatMap((model) =>
  [...PHOTOS.map((photo) => `--image ../shared/photos/${photo}`), '--random 1', '--random 2', '--extremes'].map(
    (input) => `${model} ${input}`,
  ),
);
const EACH = [
  'mobilenetv1_025_128_u8 --extremes',
  'mobilenetv2_i8_per_channel --image ../shared/photos/cat_720p.jpg',
  'mobilenetv2_u8 --random 1',
];

test.describe('needs ../shared: models', () => {
  test.skip(!existsSync('../shared/models'), 'needs ../shared');
  test.describe.configure({ timeout: 240_000 });
  const rest = ALL.filter((one) => !EACH.includes(one));
  for (const one of chosen(EACH, rest))
    test(`verify --against tflite: ${one}`, async () => {
      await needTfjsTflite();
      const [model, ...input] = one.split(' ');
      const args = ['--model', `../shared/models/imagenet_${model}.tflite`, ...input];
      const { code, stdout, stderr } = await exact8(['verify', '--json', '--against', 'tflite', ...args]);
      expect(code, stderr).toBe(0);
      const report = JSON.parse(stdout);
      expect(report).toMatchObject({ engine: engine.name, against: 'tflite', mismatches: 0 });
      const tensors = { mobilenetv1_025_128_u8: 31, mobilenetv2_u8: 66, mobilenetv2_i8_per_channel: 68 }[model!];
      expect(report.tensors).toHaveLength(tensors!);
      expect(report.inputs[0].onlyOutputs).toBeUndefined();
    });

  test('other engines, and other models, are refused before any work', async () => {
    await needTfjsTflite();
    const model = ['--model', '../shared/models/imagenet_mobilenetv1_025_128_u8.tflite'];
    const other = await exact8(['verify', '--against', 'tflite', '--engine', 'tflite', ...model]);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('--engine tfjs-tflite') });
    expect(await exact8(['verify', '--against', 'tflite'])).toMatchObject({ code: 2 });
  });
});
