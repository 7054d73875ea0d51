import { InvalidArgumentError, type Command } from 'commander';
import { name, version } from '../../package.json' with { type: 'json' };
import { InvalidInputError } from '../../src/errors.ts';
import { formatCount } from '../report/format.ts';
import { ORDERS } from '../vectors/array.ts';
import { FORMATS } from '../vectors/formats/index.ts';
import { pack } from '../vectors/pack.ts';
import { WORD_BITS } from '../vectors/packed.ts';
import { writeVectors } from '../vectors/write.ts';
import { openBrowser } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { writeOutput } from './files.ts';
import { inputHash, readFeeds, type Feeds } from './feeds.ts';
import { pictureSource, type InputOptions } from './inputs.ts';
import { loadModel, type LoadedModel } from './model.ts';
import { addInferenceOptions, integer, type InferenceOptions } from './options.ts';
import { printResult, progress } from './output.ts';
import { recipeName } from '../../src/recipes.ts';

interface VectorsOptions extends InferenceOptions, Pick<InputOptions, 'image' | 'input'> {
  readonly out: string;
  readonly pack?: readonly string[];
  readonly from?: string;
  readonly layers?: string;
  readonly format: string;
  readonly order?: string;
  readonly accumulators?: boolean;
  readonly multiplierBits: number;
  readonly wordBits: number;
  readonly tile?: number;
}

const MOST_MULTIPLIER_BITS = 31;

export function addVectors(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('vectors')
    .description('write inputs, weights, requantization and outputs of every layer for a hardware test bench')
    .option('--image <file>', 'a picture (decoded in the browser; all else needs none)');
  addInferenceOptions(command)
    .requiredOption('--out <folder>', 'the folder to write, new or empty; of --pack the .npz file')
    .option(
      '--pack <tensor=file...>',
      'write instead, as an .npz file (NCHW), what an implementation computed ($writememh)',
    )
    .option('--from <folder>', 'of --pack: the folder of vectors that it read')
    .option('--layers <names>', 'layers, by the tensors that they compute, with commas (default: all)')
    .option('--format <formats>', `file formats, with commas: ${FORMATS.map(({ name }) => name).join(', ')}`, 'npy')
    .option(
      '--order <orders>',
      `memory orders of images, with commas: ${ORDERS.join(', ')} (default: nchw; of --pack: nhwc)`,
    )
    .option('--accumulators', 'the accumulators too')
    .option(
      '--multiplier-bits <n>',
      'the most bits of a requantization multiplier',
      multiplierBits,
      MOST_MULTIPLIER_BITS,
    )
    .option(
      '--word-bits <n>',
      'the width of the words of activations and weights in hex, coe and mif: 8 to 512, several elements a word',
      wordBits,
      WORD_BITS.least,
    )
    .option('--tile <n>', 'channels of a tile, of the order tiled (default: as many as a word holds)', integer(1))
    .action(async (options: VectorsOptions) => done(await runVectors(options)));
}

function multiplierBits(text: string): number {
  const bits = integer(1)(text);
  if (bits > MOST_MULTIPLIER_BITS) throw new InvalidArgumentError(`${MOST_MULTIPLIER_BITS} bits at most.`);
  return bits;
}

function wordBits(text: string): number {
  const bits = integer(WORD_BITS.least)(text);
  if (bits % 8 !== 0 || bits > WORD_BITS.most)
    throw new InvalidArgumentError(`a multiple of 8, ${WORD_BITS.most} bits at most.`);
  return bits;
}

async function runVectors(options: VectorsOptions): Promise<ExitCode> {
  if (options.pack) return runPack(options.pack, options);
  const formats = chosen('--format', options.format, FORMATS, ({ name }) => name);
  const orders = chosen('--order', options.order ?? 'nchw', ORDERS, (order) => order);
  const model = await loadModel(options);
  const recipe = options.preprocess === undefined ? model.recipe : recipeName(options.preprocess);
  const { source, feeds } = await readSource(model, options);
  const { layers, tensors } = await writeVectors({
    plan: model.plan,
    feeds,
    out: options.out,
    ...(options.layers === undefined ? {} : { layers: options.layers.split(',') }),
    formats,
    orders,
    accumulators: options.accumulators ?? false,
    multiplierBits: options.multiplierBits,
    wordBits: options.wordBits,
    ...(options.tile === undefined ? {} : { tile: options.tile }),
    ...(recipe && { recipe }),
    origin: {
      generator: `${name} ${version}`,
      model: model.name,
      modelHash: model.hash,
      input: source,
      inputHash: inputHash(feeds),
    },
    progress: (layer) => progress(`writing ${layer}`),
  });
  const files = [...tensors, ...layers.flatMap(({ arrays }) => Object.values(arrays))].flatMap(({ files }) => files);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  printResult(
    options.json,
    {
      model: model.name,
      modelHash: model.hash,
      inputHash: inputHash(feeds),
      engine: model.plan.engine.name,
      out: options.out,
      layers: layers.map(({ name }) => name),
      files: files.length,
      bytes,
    },
    `${options.out}: ${layers.length} layers, ${formatCount(files.length)} files, ${formatCount(bytes)} bytes; see README.md there`,
  );
  return EXIT.done;
}

async function runPack(pairs: readonly string[], options: VectorsOptions): Promise<ExitCode> {
  const { from, order = 'nhwc', out, json } = options;
  if (from === undefined) throw new InvalidInputError('--pack: say --from, the folder of vectors that was read');
  const [only, ...others] = chosen('--order', order, ORDERS, (order) => order);
  if (others.length > 0) throw new InvalidInputError('--pack: a file has one --order');
  const { names, npz } = await pack(pairs, from, only!);
  await writeOutput(out, npz);
  printResult(json, { out, arrays: names }, `${out}: ${names.length} arrays`);
  return EXIT.done;
}

/** The things of a list that an option names. @throws InvalidInputError where there is no such thing */
function chosen<T>(option: string, text: string, all: readonly T[], nameOf: (one: T) => string): T[] {
  const names = text.split(',');
  for (const name of names)
    if (!all.some((one) => nameOf(one) === name))
      throw new InvalidInputError(`${option} ${name}: there are ${all.map(nameOf).join(', ')}`);
  return all.filter((one) => names.includes(nameOf(one)));
}

/** Only a picture needs a browser: to decode it. */
async function readSource(model: LoadedModel, options: VectorsOptions): Promise<{ source: string; feeds: Feeds }> {
  const { image, input } = options;
  if ((image === undefined) === (input === undefined))
    throw new InvalidInputError('vectors are of one input: say either --image or --input');
  if (input !== undefined) return { source: input, feeds: await readFeeds(model.graph, input) };
  const picture = await pictureSource(model, image!, options.preprocess);
  const browser = await openBrowser(options);
  try {
    return { source: picture.name, feeds: await picture.feeds(browser) };
  } finally {
    await browser.close();
  }
}
