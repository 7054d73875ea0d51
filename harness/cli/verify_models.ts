import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Exact8Error, InvalidInputError } from '../../src/errors.ts';
import { readModel } from '../../src/formats/index.ts';
import { parseOnnx } from '../../src/formats/onnx/proto.ts';
import { formatCount } from '../report/format.ts';
import type { TestCase } from '../report/test_report.ts';
import { openBrowser, type ModelBrowser } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { readInput, writeOutput } from './files.ts';
import { loadModel, type LoadedModel } from './model.ts';
import type { InferenceOptions } from './options.ts';
import { printResult, progress, table } from './output.ts';
import { testsOfModels } from './test_report.ts';

interface Verified {
  readonly elements: number;
  readonly mismatches: number;
  /** Only the final outputs could be compared. */
  readonly onlyOutputs: boolean;
}

interface Options extends InferenceOptions {
  readonly markdown?: string;
}

type Verify = (browser: ModelBrowser, model: LoadedModel) => Promise<Verified>;

/** What became of one model. */
interface ModelRow extends Partial<Verified> {
  readonly model: string;
  /** Each with its count. */
  readonly operators: string;
  /** Why it does not run. */
  readonly refused?: string;
}

const FORMATS = /\.(onnx|tflite|pth?)$/i;
/** Each changes a tensor's type: they say that a model is quantized, and not what it computes. */
const PAIR = /^(Dequantize|Quantize)Linear$|^Constant$/;

/** `exact8 verify --models`: every model of files and folders, in one browser, as a table. */
export async function verifyModels(
  paths: readonly string[],
  options: Options,
  verify: Verify,
): Promise<{ cases: TestCase[]; code: ExitCode }> {
  const files = (await Promise.all(paths.map(modelsIn))).flat();
  if (files.length === 0) throw new InvalidInputError(`--models ${paths.join(' ')}: no model is there`);
  const browser = await openBrowser(options);
  const rows: ModelRow[] = [];
  try {
    for (const [i, file] of files.entries()) {
      progress(`verifying ${file} (${i + 1} of ${files.length})`);
      rows.push(await verifyModel(browser, file, options, verify));
    }
  } finally {
    await browser.close();
  }
  const text = describe(rows, browser.adapter);
  if (options.markdown !== undefined) await writeOutput(options.markdown, `${markdown(rows, browser.adapter)}\n`);
  printResult(options.json, { adapter: browser.adapter, models: rows }, text);
  const equal = rows.every(({ mismatches = 0 }) => mismatches === 0);
  return { cases: testsOfModels(rows), code: equal ? EXIT.done : EXIT.differs };
}

/** @throws InvalidInputError where there is no such file or folder */
async function modelsIn(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: Error) => {
    throw new InvalidInputError(`cannot read ${path}: ${error.message}`);
  });
  if (!found.isDirectory()) return [path];
  const names = await readdir(path);
  return names
    .filter((name) => FORMATS.test(name))
    .sort()
    .map((name) => join(path, name));
}

async function verifyModel(browser: ModelBrowser, file: string, options: Options, verify: Verify): Promise<ModelRow> {
  const row = { model: basename(file), operators: operatorsIn(await readInput(file)) };
  try {
    const model = await loadModel({ ...options, model: file });
    await browser.open(model);
    return { ...row, ...(await verify(browser, model)) };
  } catch (error) {
    if (!(error instanceof Exact8Error)) throw error;
    return { ...row, refused: error.message };
  }
}

/** What the file computes, the most frequent first. */
function operatorsIn(bytes: Uint8Array): string {
  const counts = new Map<string, number>();
  for (const op of namesIn(bytes)) if (!PAIR.test(op)) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([op, count]) => (count > 1 ? `${count} ${op}` : op))
    .join(', ');
}

function namesIn(bytes: Uint8Array): readonly string[] {
  try {
    return readModel(bytes).nodes.map(({ op }) => op);
  } catch (error) {
    if (!(error instanceof Exact8Error)) throw error;
  }
  try {
    return parseOnnx(bytes).graph?.nodes.map(({ opType }) => opType) ?? [];
  } catch {
    return [];
  }
}

const outcome = ({ mismatches, onlyOutputs }: ModelRow): string =>
  mismatches === undefined ? 'no' : mismatches > 0 ? 'DIFFERS' : onlyOutputs ? 'yes, outputs compared' : 'yes';

const cells = (row: ModelRow): string[] => [
  row.model,
  row.operators,
  outcome(row),
  row.elements === undefined ? '' : formatCount(row.elements),
  row.mismatches === undefined ? '' : formatCount(row.mismatches),
];

const HEAD = ['model', 'operators', 'runs', 'elements', 'mismatches'];

function summary(rows: readonly ModelRow[], adapter: string): string {
  const equal = rows.filter(({ mismatches }) => mismatches === 0).length;
  const differing = rows.filter(({ mismatches = 0 }) => mismatches > 0).length;
  return `${equal} of ${rows.length} models run with 0 mismatches, ${differing} differ, on ${adapter}, ${new Date().toISOString().slice(0, 10)}`;
}

function describe(rows: readonly ModelRow[], adapter: string): string {
  const refusals = rows.flatMap(({ model, refused }) => (refused === undefined ? [] : [`${model}: ${refused}`]));
  return [table(HEAD, rows.map(cells), ['elements', 'mismatches']), '', ...refusals, summary(rows, adapter)].join('\n');
}

/** The table of the documentation. */
function markdown(rows: readonly ModelRow[], adapter: string): string {
  const line = (row: readonly string[]): string => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const why = ({ refused }: ModelRow): string => refused?.split('\n')[0] ?? '';
  return [
    line([...HEAD, 'why not']),
    line(['---', '---', '---', '---:', '---:', '---']),
    ...rows.map((row) => line([...cells(row), why(row)])),
    '',
    `${summary(rows, adapter)}.`,
  ].join('\n');
}
