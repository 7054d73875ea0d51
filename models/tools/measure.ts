/**
 * What quantization cost: the int8 model and its float original side by side, as a Markdown table:
 *
 *     npx tsx models/tools/measure.ts PHOTO...
 */
import { largestDifference, loadModel, softmax } from './evaluate.ts';
import { DEFAULT_LABELS, defaultModel, floatModel } from '../index.ts';
import { OUTPUT } from '../network.ts';
import { readPictures } from './pictures.ts';

async function measure(paths: readonly string[]): Promise<void> {
  const runFloat = await loadModel(await floatModel());
  const runInt8 = await loadModel(await defaultModel());
  console.log('| photograph | float32 | int8 | largest difference of a probability |\n|---|---|---|---|');
  for (const { name, picture } of await readPictures(paths)) {
    const float = softmax((await runFloat(picture))[OUTPUT]!);
    const int8 = softmax((await runInt8(picture))[OUTPUT]!);
    console.log(`| ${name} | ${best(float)} | ${best(int8)} | ${largestDifference(float, int8).toFixed(4)} |`);
  }
}

function best(probabilities: readonly number[]): string {
  const top = probabilities.indexOf(Math.max(...probabilities));
  return `${DEFAULT_LABELS[top]} ${probabilities[top]!.toFixed(4)}`;
}

if (process.argv.length < 3) {
  console.error('usage: npx tsx models/tools/measure.ts PHOTO...');
  process.exitCode = 2;
} else {
  await measure(process.argv.slice(2));
}
