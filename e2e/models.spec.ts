import { existsSync } from 'node:fs';
import { expect, test } from 'playwright/test';
import { exact8 } from './command.ts';

const MODELS = [
  'imagenet_mobilenetv2_qdq',
  'imagenet_mobilenetv2_u8.qlinear',
  'imagenet_mobilenetv1_025_128_u8.qlinear',
];
const PHOTOS = ['cat_720p.jpg', 'chelsea.png', 'coffee.png', 'hot_dog.jpg'];
const RUNS = '3';

async function expectEqual(model: readonly string[], input: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await exact8(['verify', ...model, ...input, '--runs', RUNS, '--json']);
  expect(code, stderr).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ mismatches: 0, against: 'onnxruntime' });
  expect(report.elements).toBeGreaterThan(400_000);
  for (const one of report.inputs) expect(one).toMatchObject({ mismatches: 0, identicalRuns: true });
}

test.describe.configure({ timeout: 300_000 });

for (const input of [['--random', '1'], ['--extremes']])
  test(`the default model equals onnxruntime-web: ${input.join(' ')}`, () => expectEqual([], input));

test.describe('needs ../shared: real models and photographs equal onnxruntime-web in every tensor', () => {
  test.skip(!existsSync('../shared/models'), 'needs ../shared');
  for (const model of MODELS)
    for (const input of [
      ...PHOTOS.map((photo) => ['--image', `../shared/photos/${photo}`]),
      ['--random', '1'],
      ['--extremes'],
    ])
      test(`${model} ${input.join(' ')}`, () => expectEqual(['--model', `../shared/models/${model}.onnx`], input));
  for (const photo of PHOTOS)
    test(`the default model ${photo}`, () => expectEqual([], ['--image', `../shared/photos/${photo}`]));
});
