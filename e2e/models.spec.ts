import { existsSync } from 'node:fs';
import { expect, test } from 'playwright/test';
import { chosen, LONG } from '../tests/helpers/long.ts';
import { exact8 } from './command.ts';

const RANDOM = ['--random', '1'];
const EXTREMES = ['--extremes'];
const PHOTOS = ['cat_720p.jpg', 'chelsea.png', 'coffee.png', 'hot_dog.jpg'];
/** Each on a photograph of its own; in the long form on all. */
const MODELS = [
  ['imagenet_mobilenetv2_qdq', 'chelsea.png'],
  ['imagenet_mobilenetv2_u8.qlinear', 'cat_720p.jpg'],
  ['imagenet_mobilenetv1_025_128_u8.qlinear', 'coffee.png'],
] as const;
const RUNS = LONG ? '3' : '2';

const image = (photo: string): string[] => ['--image', `../shared/photos/${photo}`];

async function expectEqual(model: readonly string[], input: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await exact8(['verify', ...model, ...input, '--runs', RUNS, '--json']);
  expect(code, stderr).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ mismatches: 0, against: 'onnxruntime' });
  expect(report.elements).toBeGreaterThan(400_000);
  for (const one of report.inputs) expect(one).toMatchObject({ mismatches: 0, identicalRuns: true });
}

test.describe.configure({ timeout: 300_000 });

for (const input of chosen([EXTREMES], [RANDOM]))
  test(`the default model equals onnxruntime-web: ${input.join(' ')}`, () => expectEqual([], input));

test.describe('needs ../shared: real models and photographs equal onnxruntime-web in every tensor', () => {
  test.skip(!existsSync('../shared/models'), 'needs ../shared');
  for (const [model, photo] of MODELS)
    for (const input of chosen(
      [image(photo)],
      [EXTREMES, RANDOM, ...PHOTOS.filter((other) => other !== photo).map(image)],
    ))
      test(`${model} ${input.join(' ')}`, () => expectEqual(['--model', `../shared/models/${model}.onnx`], input));
  // on another photograph: e2e/cli.spec.ts
  for (const photo of chosen([], PHOTOS)) test(`the default model ${photo}`, () => expectEqual([], image(photo)));
});
