import type { Command } from 'commander';
import { InvalidInputError } from '../../src/errors.ts';
import { rankClasses, type RankedClass } from '../../src/classes.ts';
import { formatProbability } from '../report/format.ts';
import { withModel, type ModelBrowser } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { inputHash } from './feeds.ts';
import { readInput } from './files.ts';
import { inputSources, pictureSource, type InputSource } from './inputs.ts';
import { loadModel, type LoadedModel } from './model.ts';
import { addFusionOption, addInferenceOptions, integer, type FusionOptions, type InferenceOptions } from './options.ts';
import { printResult, progress } from './output.ts';

interface ClassifyOptions extends InferenceOptions, FusionOptions {
  readonly input?: string;
  readonly labels?: string;
  readonly top: number;
}

export interface Classification {
  readonly input: string;
  readonly inputHash: string;
  readonly classes: readonly RankedClass[];
}

export function addClassify(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('classify')
    .description('name the classes of pictures')
    .argument('[image...]', 'picture files');
  addFusionOption(addInferenceOptions(command))
    .option('--labels <file>', 'the names of the classes, one a line')
    .option('--top <n>', 'how many classes to print', integer(1), 5)
    .action(async (images: string[], options: ClassifyOptions) => done(await runClassify(images, options)));
}

async function runClassify(images: readonly string[], options: ClassifyOptions): Promise<ExitCode> {
  if (images.length === 0 && options.input === undefined) throw new InvalidInputError('no picture was given');
  const model = await loadModel({ ...options, ...(images[0] !== undefined && { image: images[0] }) });
  const labels = options.labels === undefined ? model.labels : await readLabels(options.labels);
  const sources: InputSource[] = [];
  for (const image of images) sources.push(await pictureSource(model, image, options.preprocess));
  if (options.input !== undefined) sources.push(...(await inputSources(model, { input: options.input })));
  const { adapter, results } = await withModel(model, options, async (browser) => {
    const results: Classification[] = [];
    for (const source of sources) results.push(await classify(browser, model, source, labels, options.top));
    return { adapter: browser.adapter, results };
  });
  printResult(
    options.json,
    { model: model.name, modelHash: model.hash, engine: model.plan.engine.name, adapter, results },
    results.map(describeClassification).join('\n\n'),
  );
  return EXIT.done;
}

export async function classify(
  browser: ModelBrowser,
  model: LoadedModel,
  source: InputSource,
  labels: readonly string[] | undefined,
  top: number,
): Promise<Classification> {
  progress(`classifying ${source.name}`);
  const feeds = await source.feeds(browser);
  const outputs = await browser.run(feeds);
  const name = model.plan.graph.outputs[0]!;
  return { input: source.name, inputHash: inputHash(feeds), classes: rankClasses(outputs[name]!, labels, top) };
}

export function describeClassification({ input, classes }: Classification): string {
  const line = ({ label, score, probability }: RankedClass): string =>
    `${formatProbability(probability).padStart(10)}  ${label}  (${score})`;
  return [input, ...classes.map(line)].join('\n');
}

/** One label a line; empty lines at the end do not count. */
async function readLabels(path: string): Promise<string[]> {
  return new TextDecoder()
    .decode(await readInput(path))
    .trimEnd()
    .split(/\r?\n/);
}
