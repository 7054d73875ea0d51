import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { InvalidInputError } from '../../src/errors.ts';
import { LINEAR_KERNELS } from '../../src/kernels/choose.ts';
import { openBench, type BenchBrowser } from '../bench/browser.ts';
import { describeAdapter } from '../chrome/launch.ts';
import { parseTuning, type TuningFacts, type TuningFile } from '../tune/file.ts';
import type { Handicap, Without } from '../tune/measure.ts';
import { renderHeatMap } from '../tune/report.ts';
import { tune } from '../tune/run.ts';
import { nameOf } from '../tune/tasks.ts';
import { refusals, type Tuned, type TunedBlock, type TunedLayer } from '../tune/tuned.ts';
import type { VariantChoice } from '../../src/kernels/variant.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { readInput, writeOutput } from './files.ts';
import { loadModel, remoteModel, type LoadedModel } from './model.ts';
import { addHostOptions, addModelOptions, integer, type HostOptions, type ModelOptions } from './options.ts';
import { note, printResult, progress, tableOf, type Column } from './output.ts';

interface TuneOptions extends ModelOptions, HostOptions {
  readonly out: string;
  readonly html?: string;
  readonly timeLimit: number;
  readonly without?: readonly Without[];
  readonly workgroupMemory?: number;
  readonly fresh?: boolean;
  readonly layer?: string;
  readonly variant?: string;
}

const WITHOUT: readonly Without[] = ['packed-dot', 'subgroups'];
/** What every device has. */
const LEAST_WORKGROUP_MEMORY = 16384;

export function addTune(program: Command, done: (code: ExitCode) => void): void {
  addHostOptions(
    addModelOptions(
      program
        .command('tune')
        .description('find the fastest kernel variants for a model on this adapter; each is proved'),
    ),
  )
    .option('--out <file>', 'the profile to write; a tuning that was cut off goes on from it', 'exact8-profile.json')
    .option('--html <file>', 'write a heat map of variants and layers')
    .option('--time-limit <s>', 'seconds for the timing of all variants', integer(1), 240)
    .option('--without <features>', `as on an adapter without them: ${WITHOUT.join(',')}`, featureList)
    .option(
      '--workgroup-memory <bytes>',
      'as on an adapter with no more of it (default: all that it has)',
      integer(LEAST_WORKGROUP_MEMORY),
    )
    .option('--fresh', 'begin again, whatever --out holds')
    .option('--layer <name>', 'prove and time the variants of this layer alone; no profile is written')
    .addOption(
      new Option('--variant <name>', 'with --layer: only this one, beside the untuned one').choices(
        LINEAR_KERNELS.map(({ name }) => name),
      ),
    )
    .action(async (options: TuneOptions) =>
      done(await (options.layer === undefined ? runTune(options) : tuneLayer(options, options.layer))),
    );
}

function featureList(text: string): readonly Without[] {
  const features = text.split(',') as Without[];
  const unknown = features.find((feature) => !WITHOUT.includes(feature));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown}: supported: ${WITHOUT.join(', ')}.`);
  return features;
}

/** Long enough for steady times of one layer. */
const LAYER_MS = 500;

/** A kernel author's loop: proof and time of one layer. @throws InvalidInputError where there is no such layer, or variant for it */
async function tuneLayer(options: TuneOptions, layer: string): Promise<ExitCode> {
  const model = await loadModel(options);
  const geometry = model.plan.steps.find(({ node, variant }) => variant && node === layer)?.variant?.geometry;
  if (geometry === undefined) {
    const names = model.plan.steps.flatMap(({ node, variant }) => (variant ? [node] : []));
    throw new InvalidInputError(`${model.name} has no layer ${layer} with variants; it has ${names.join(', ')}`);
  }
  const browser = await openBench(options, {});
  try {
    const adapter = describeAdapter(browser.adapter);
    const { tasks } = await openTuning(browser, model, handicapOf(options));
    const index = tasks.findIndex((task) => task.geometry === geometry);
    const { choices } = tasks[index]!;
    const { variant } = options;
    if (variant !== undefined && !choices.some((one) => one.variant === variant))
      throw new InvalidInputError(
        `--variant ${variant} cannot compute ${layer} on this adapter; these can: ` +
          [...new Set(choices.map((one) => one.variant))].join(', '),
      );
    const tuned = await browser.call('tuneLayer', index, LAYER_MS, variant);
    const refused = refusals({ layers: [tuned], blocks: [], fusions: [] });
    for (const line of refused) note(`REFUSED: ${line}`);
    printResult(
      options.json,
      { adapter, layer, ...tuned, refused },
      [tableOf(VARIANT_COLUMNS, tuned.variants), `${layer}, ${geometry}, on ${adapter}`].join('\n'),
    );
    return refused.length > 0 ? EXIT.differs : EXIT.done;
  } finally {
    await browser.close();
  }
}

const VARIANT_COLUMNS: readonly Column<TunedLayer['variants'][number]>[] = [
  ['variant', 'text', nameOf],
  ['mismatches', 'number', ({ mismatches }) => mismatches],
  ['ms', 'number', ({ ms }) => ms?.toFixed(3) ?? 'refused'],
];

const handicapOf = ({ without = [], workgroupMemory }: TuneOptions): Handicap => ({
  without,
  ...(workgroupMemory === undefined ? {} : { workgroupMemory }),
});

const openTuning = (browser: BenchBrowser, model: LoadedModel, handicap: Handicap) =>
  browser.call('openTuning', remoteModel(browser.addBlob(model.bytes), model), handicap);

async function runTune(options: TuneOptions): Promise<ExitCode> {
  if (options.variant !== undefined) throw new InvalidInputError('--variant needs --layer');
  const model = await loadModel(options);
  const browser = await openBench(options, {});
  try {
    const adapter = describeAdapter(browser.adapter);
    note(`adapter: ${adapter}; WebGPU of ${browser.runtime}`);
    const tuned = await tuneIn(browser, model, adapter, options);
    const wrong = refusals(tuned);
    for (const line of wrong) note(`REFUSED: ${line}`);
    const report = options.html === undefined ? undefined : resolve(options.html);
    if (report !== undefined) await writeOutput(report, renderHeatMap(tuned));
    printResult(
      options.json,
      { ...tuned, refused: wrong, out: options.out, ...(report && { report }) },
      [
        describe(tuned),
        `The profile: ${options.out}` + (tuned.complete ? '' : ' (not complete: run it again to go on)'),
        ...(report === undefined ? [] : [`The heat map: ${pathToFileURL(report)}`]),
      ].join('\n'),
    );
    return wrong.length > 0 ? EXIT.differs : EXIT.done;
  } finally {
    await browser.close();
  }
}

async function tuneIn(
  browser: BenchBrowser,
  model: LoadedModel,
  adapter: string,
  options: TuneOptions,
): Promise<TuningFile> {
  const { fresh, out, timeLimit } = options;
  progress('opening the model');
  const handicap = handicapOf(options);
  const opened = await openTuning(browser, model, handicap);
  const facts: TuningFacts = {
    schemaVersion: 1,
    adapter,
    runtime: browser.runtime,
    ...handicap,
    model: model.name,
    modelHash: model.hash,
    engine: model.plan.engine.name,
  };
  let file: TuningFile | undefined;
  const tuned = await tune(
    {
      ...opened,
      layer: (...args) => browser.call('tuneLayer', ...args),
      block: (...args) => browser.call('tuneBlock', ...args),
      fusions: (...args) => browser.call('tuneFusions', ...args),
      compare: (...args) => browser.call('compareProfiles', ...args),
    },
    {
      name: `tuned for ${adapter}`,
      timeLimitMs: 1000 * timeLimit,
      before: fresh ? undefined : await earlier(out, facts),
      progress: (done, of, what) => progress(`${done + 1} of ${of}: ${what}`),
      async save(tuned) {
        file = { ...facts, date: new Date().toISOString(), ...tuned };
        await writeOutput(out, `${JSON.stringify(file, undefined, 2)}\n`);
      },
    },
  );
  const { complete, layers, blocks, profile } = tuned;
  if (!complete)
    note(
      `the time limit is over: ${layers.length} of ${opened.tasks.length} geometries and ${blocks.length} of ` +
        `${opened.blocks.length} blocks are tuned`,
    );
  else if (profile.name === opened.profile.name)
    note('the tuned profile was not faster than the adapter’s own, which is kept');
  return file!;
}

/** What an earlier tuning of the same model on the same adapter left. @throws InvalidInputError for any other file */
async function earlier(path: string, facts: TuningFacts): Promise<TuningFile | undefined> {
  if (!existsSync(path)) return undefined;
  const hint = '--out another file, or --fresh to write over it';
  const file = parseTuning(new TextDecoder().decode(await readInput(path)), facts, path, hint);
  note(`${path}: going on from ${file.layers.length} geometries and ${file.blocks.length} blocks`);
  return file;
}

const BLOCK_COLUMNS: readonly Column<TunedBlock>[] = [
  ['block of', 'text', ({ geometry }) => geometry],
  ['blocks', 'number', ({ layers }) => layers],
  ['best', 'text', ({ best }) => best],
  ['ms', 'text', ({ tiles }) => tiles.map(({ tile, ms }) => `${tile} ${ms?.toFixed(3) ?? 'refused'}`).join(', ')],
];

function describe({ layers, blocks, fusions, latencyMs }: Tuned): string {
  const ms = ({ variants }: TunedLayer, choice: VariantChoice): string =>
    variants.find((one) => nameOf(one) === nameOf(choice))?.ms?.toFixed(3) ?? '';
  return [
    tableOf<TunedLayer>(
      [
        ['geometry', 'text', ({ geometry }) => geometry],
        ['layers', 'number', ({ layers }) => layers],
        ['untuned', 'text', ({ untuned }) => nameOf(untuned)],
        ['ms', 'number', (layer) => ms(layer, layer.untuned)],
        ['best', 'text', ({ best }) => nameOf(best)],
        ['ms ', 'number', (layer) => ms(layer, layer.best)],
        ['tried', 'number', ({ variants }) => variants.length],
      ],
      layers,
    ),
    '',
    ...(blocks.length > 0 ? [tableOf(BLOCK_COLUMNS, blocks), ''] : []),
    ...fusions.map(({ fusion, dispatches, ms }) => `fusion ${fusion}: ${dispatches} dispatches, ${ms?.toFixed(1)} ms`),
    ...(latencyMs
      ? [`an inference: ${latencyMs.untuned.toFixed(1)} ms untuned, ${latencyMs.tuned.toFixed(1)} ms tuned`]
      : []),
  ].join('\n');
}
