/**
 * Measures the range of every activation of the default model on photographs, and writes `calibration.json`:
 *
 *     npx tsx models/tools/calibrate.ts PHOTO...
 *
 * Each method of METHODS is tried, and the one whose int8 model is nearest to the float model is kept.
 */
import { writeFile } from 'node:fs/promises';
import { DEFAULT_MODEL_DESCRIPTION, defaultNetwork } from '../index.ts';
import { largestDifference, loadModel, softmax } from './evaluate.ts';
import { writeFloatModel } from '../float_model.ts';
import { writeInt8Model } from '../int8_model.ts';
import { OUTPUT } from '../network.ts';
import { centerSquare, mirrored, readPictures } from './pictures.ts';

/** The range of one tensor on one picture, from its values in ascending order. */
type Method = (sorted: Float32Array) => readonly [number, number];

const percentile =
  (percent: number): Method =>
  (sorted) => {
    const last = sorted.length - 1;
    const outside = Math.round(last * (1 - percent / 100));
    return [sorted[outside]!, sorted[last - outside]!];
  };

const METHODS: Readonly<Record<string, Method>> = {
  'smallest and largest value': percentile(100),
  'percentile 99.999 of each picture': percentile(99.999),
  'percentile 99.99 of each picture': percentile(99.99),
  'percentile 99.9 of each picture': percentile(99.9),
};

async function calibrate(paths: readonly string[]): Promise<void> {
  const photographs = await readPictures(paths);
  const pictures = photographs.flatMap(({ picture }) => [picture, mirrored(picture), centerSquare(picture)]);
  const network = await defaultNetwork();
  const tensors = network.layers.filter(({ kind }) => kind !== 'flatten').map(({ name }) => name);
  const runFloat = await loadModel(writeFloatModel(network, tensors));

  const ranges: Record<string, Record<string, [number, number]>> = {};
  const expected: number[][] = [];
  for (const picture of pictures) {
    const outputs = await runFloat(picture);
    expected.push(softmax(outputs[OUTPUT]!));
    for (const tensor of tensors) {
      const sorted = outputs[tensor]!.slice().sort();
      for (const [name, method] of Object.entries(METHODS)) widen((ranges[name] ??= {}), tensor, method(sorted));
    }
  }

  const measured = [];
  for (const [method, found] of Object.entries(ranges)) {
    const run = await loadModel(writeInt8Model(network, found, DEFAULT_MODEL_DESCRIPTION));
    const differences = [];
    for (const [i, picture] of pictures.entries())
      differences.push(largestDifference(softmax((await run(picture))[OUTPUT]!), expected[i]!));
    const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
    measured.push({ method, largestDifference: Math.max(...differences), meanDifference: mean });
    console.log(`${method}: largest difference of a probability ${Math.max(...differences)}, mean ${mean}`);
  }
  const best = measured.reduce((best, next) => (next.meanDifference < best.meanDifference ? next : best));
  const calibration = {
    method: best.method,
    methodsTried: measured,
    photographs: photographs.map(({ name }) => name),
    preparation: 'each as it is, mirrored, and its middle square; then as nsfwjs does: bilinear to 224 x 224, 0 .. 1',
    ranges: ranges[best.method],
  };
  const text = JSON.stringify(calibration, null, 2).replace(/\[\s+(-?[\d.e-]+),\s+(-?[\d.e-]+)\s+\]/g, '[$1, $2]');
  await writeFile(new URL('../calibration.json', import.meta.url), `${text}\n`);
}

function widen(ranges: Record<string, [number, number]>, tensor: string, [low, high]: readonly [number, number]): void {
  const [min, max] = ranges[tensor] ?? [low, high];
  ranges[tensor] = [Math.min(min, low), Math.max(max, high)];
}

if (process.argv.length < 3) {
  console.error('usage: npx tsx models/tools/calibrate.ts PHOTO...');
  process.exitCode = 2;
} else {
  await calibrate(process.argv.slice(2));
}
