import type { Command } from 'commander';
import { Exact8Error, InvalidInputError, UnsupportedModelError } from '../../src/errors.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { ENGINES } from '../../src/engines/index.ts';
import { Tensor } from '../../src/tensor.ts';
import { requireChrome } from '../chrome/install.ts';
import { ADAPTER_CHOICES } from '../chrome/launch.ts';
import { decodeFile } from '../images/decode_file.ts';
import { installRuntimes } from '../process/install.ts';
import { requireInstalled } from '../process/launch.ts';
import { openBrowser, type ModelBrowser } from './browser.ts';
import { exitCodeOf, type ExitCode } from './exit_codes.ts';
import type { Feeds } from './feeds.ts';
import { inputSources, pictureSource } from './inputs.ts';
import { loadModel, type LoadedModel } from './model.ts';
import { integer, timeoutOption, WEBGPU_CHOICES } from './options.ts';
import { matrixExitCode, matrixTable, writeMarkdown, type Cell, type Column, type Row } from './matrix_table.ts';
import { note, printResult, progress } from './output.ts';

interface MatrixOptions {
  readonly only: readonly Column[];
  readonly image?: string;
  readonly cases: number;
  readonly timeout: number;
  readonly install?: boolean;
  readonly markdown?: string;
  readonly json?: boolean;
}

/** The software adapters: what any machine can run. */
const DEFAULT_COLUMNS = ['chrome+swiftshader', 'node+swiftshader', 'deno+swiftshader', 'deno+llvmpipe'];
const DEFAULT_MODEL = 'default';
const RUNS = 2;
const SEED = 1;

export function addMatrix(program: Command, done: (code: ExitCode) => void): void {
  program
    .command('matrix')
    .description('models and generated cases on every WebGPU: each tensor compared with the host reference')
    .argument('[model...]', `model files; ${DEFAULT_MODEL} is the built-in one`)
    .option(
      '--only <columns>',
      `implementation+adapter, with commas between (default: ${DEFAULT_COLUMNS.join(',')})`,
      columns,
      columns(DEFAULT_COLUMNS.join(',')),
    )
    .option('--image <file>', 'a picture for the models whose preparation is known; the others get random input')
    .option('--cases <n>', 'generated cases of each engine', integer(0), 100)
    .option('--install', 'first install the packages deno and webgpu where they are missing, for this project only')
    .option('--markdown <file>', 'also write the table into a file, between its matrix comments')
    .addOption(timeoutOption())
    .option('--json', 'print one JSON object')
    .action(async (models: string[], options: MatrixOptions) => done(await runMatrix(models, options)));
}

function columns(text: string): readonly Column[] {
  return text.split(',').map((name) => {
    const [first, second = 'auto'] = name.split('+');
    const webgpu = WEBGPU_CHOICES.find((choice) => choice === first);
    const adapter = ADAPTER_CHOICES.find((choice) => choice === second);
    if (!webgpu || !adapter)
      throw new InvalidInputError(
        `--only ${name}: supported: ${WEBGPU_CHOICES.join(', ')}, each with + and ${ADAPTER_CHOICES.join(', ')}`,
      );
    return { name, webgpu, adapter };
  });
}

async function runMatrix(models: readonly string[], options: MatrixOptions): Promise<ExitCode> {
  if (options.install) await installRuntimes();
  // What is not installed is said before any model is computed.
  for (const { adapter, webgpu } of options.only)
    if (webgpu === 'chrome') requireChrome();
    else requireInstalled(webgpu, adapter);
  const rows: Row[] = [];
  for (const path of models.length > 0 ? models : [DEFAULT_MODEL]) rows.push(await modelRow(path, options));
  if (options.cases > 0) for (const { name } of ENGINES) rows.push(await casesRow(name, options));
  const text = matrixTable(rows, options.only);
  if (options.markdown !== undefined) await writeMarkdown(options.markdown, rows, options.only, RUNS);
  printResult(options.json, { runs: RUNS, casesOfEachEngine: options.cases, rows }, text);
  return matrixExitCode(rows);
}

async function modelRow(path: string, { only, image, timeout }: MatrixOptions): Promise<Row> {
  let model: LoadedModel;
  try {
    model = await loadModel(path === DEFAULT_MODEL ? {} : { model: path });
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
    return { name: path, cells: [], refused: error.message };
  }
  progress(`${model.name}: the host reference`);
  const feeds = await feedsOf(model, image);
  const reference = referenceTrace(model.plan, feeds).tensors.map(
    ({ name, type, shape, data }) => [name, new Tensor(type, data as Tensor['data'], shape)] as const,
  );
  const cells: Cell[] = [];
  for (const column of only) {
    progress(`${model.name}: ${column.name}`);
    cells.push(
      await cellOf(column, timeout, async (browser) => {
        await browser.open(model);
        const request = { runs: RUNS, against: Object.fromEntries(reference), eachLayer: false };
        const { comparison, unsteady } = await browser.verify(feeds, request);
        const { tensors, elements, mismatches } = comparison;
        return { tensors: tensors.length, elements, mismatches, identicalRuns: unsteady === undefined };
      }),
    );
  }
  return { name: model.name, engine: model.engine.name, cells };
}

async function feedsOf(model: LoadedModel, image: string | undefined): Promise<Feeds> {
  if (image !== undefined && model.recipe)
    return (await pictureSource(model, image, undefined)).feeds({ decode: decodeFile });
  const [source] = await inputSources(model, { random: SEED });
  return source!.feeds({ decode: decodeFile });
}

async function casesRow(engine: string, { only, cases, timeout }: MatrixOptions): Promise<Row> {
  const cells: Cell[] = [];
  for (const column of only) {
    progress(`cases of ${engine}: ${column.name}`);
    cells.push(
      await cellOf(column, timeout, async (browser) => {
        const { elements, mismatches } = await browser.generatedCases(engine, SEED, 0, cases);
        return { elements, mismatches };
      }),
    );
  }
  return { name: `${cases} generated cases`, engine, cells };
}

/** A browser or process of its own for each cell: none inherits what another left behind. */
async function cellOf(
  { name: column, adapter, webgpu }: Column,
  timeout: number,
  compute: (browser: ModelBrowser) => Promise<Omit<Cell, 'column'>>,
): Promise<Cell> {
  let browser: ModelBrowser | undefined;
  try {
    browser = await openBrowser(adapter, webgpu, timeout);
    return { column, runtime: browser.runtime, adapter: browser.adapter, ...(await compute(browser)) };
  } catch (error) {
    note(`${column}: ${error instanceof Exact8Error ? error.message : String((error as Error).stack)}`);
    return { column, error: String(error), exitCode: exitCodeOf(error) };
  } finally {
    await browser?.close();
  }
}
