import type { Command } from 'commander';
import { InvalidInputError } from '../../src/errors.ts';
import type { PlainTensor } from '../worker/protocol.ts';
import { withModel, type ModelBrowser } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { inputHash } from './feeds.ts';
import { readInput } from './files.ts';
import { inputSources, pictureSource, type InputSource } from './inputs.ts';
import { loadModel, type LoadedModel } from './model.ts';
import { addInferenceOptions, integer, type InferenceOptions } from './options.ts';
import { printResult, progress } from './output.ts';

interface ClassifyOptions extends InferenceOptions {
  readonly input?: string;
  readonly labels?: string;
  readonly top: number;
}

export interface RankedClass {
  readonly index: number;
  readonly label: string;
  /** The model's own output: a logit. */
  readonly score: number;
  /** Softmax of the scores, for people: not part of what is equal bit for bit. */
  readonly probability: number;
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
  addInferenceOptions(command)
    .option('--labels <file>', 'the names of the classes, one a line')
    .option('--top <n>', 'how many classes to print', integer(1), 5)
    .action(async (images: string[], options: ClassifyOptions) => done(await runClassify(images, options)));
}

async function runClassify(images: readonly string[], options: ClassifyOptions): Promise<ExitCode> {
  if (images.length === 0 && options.input === undefined) throw new InvalidInputError('no picture was given');
  const model = await loadModel(options.model, options.semantics);
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
    { model: model.name, modelHash: model.hash, semantics: model.plan.semantics.name, adapter, results },
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
  return { input: source.name, inputHash: inputHash(feeds), classes: rank(outputs[name]!, labels, top) };
}

export function describeClassification({ input, classes }: Classification): string {
  const line = ({ label, score, probability }: RankedClass): string =>
    `${(100 * probability).toFixed(2).padStart(8)} %  ${label}  (${score})`;
  return [input, ...classes.map(line)].join('\n');
}

/**
 * The classes with the highest scores, of an output [1, classes].
 *
 * @throws InvalidInputError where the output is no list of classes, or the labels are not as many.
 */
export function rank({ dims, values }: PlainTensor, labels: readonly string[] | undefined, top: number): RankedClass[] {
  if (values.length === 0 || Math.max(...dims) !== values.length)
    throw new InvalidInputError(`an output of [${dims.join(', ')}] does not classify one picture`);
  if (labels && labels.length !== values.length)
    throw new InvalidInputError(`there are ${labels.length} labels for ${values.length} classes`);
  const highest = Math.max(...values);
  const weights = values.map((score) => Math.exp(score - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return values
    .map((score, index) => ({
      index,
      label: labels?.[index] ?? `class ${index}`,
      score,
      probability: weights[index]! / total,
    }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, top);
}

/** One label a line; empty lines at the end do not count. */
async function readLabels(path: string): Promise<string[]> {
  return new TextDecoder()
    .decode(await readInput(path))
    .trimEnd()
    .split(/\r?\n/);
}
