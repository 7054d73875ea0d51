import { existsSync } from 'node:fs';
import { writeFile, rename } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidArgumentError, type Command } from 'commander';
import { InvalidInputError } from '../../src/errors.ts';
import type { Profile } from '../../src/plan/profile.ts';
import { openBench, type BenchBrowser } from '../bench/browser.ts';
import { describeAdapter } from '../chrome/launch.ts';
import type { Without } from '../tune/measure.ts';
import { renderHeatMap } from '../tune/report.ts';
import { bestFusion, tunedProfile, type TunedFusion, type TunedLayer, type TunedVariant } from '../tune/tasks.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { readInput, writeOutput } from './files.ts';
import { loadModel, type LoadedModel } from './model.ts';
import { addHostOptions, addModelOptions, integer, type HostOptions, type ModelOptions } from './options.ts';
import { note, printResult, progress, table } from './output.ts';

interface TuneOptions extends ModelOptions, HostOptions {
  readonly out: string;
  readonly html?: string;
  readonly timeLimit: number;
  readonly without?: readonly Without[];
  readonly fresh?: boolean;
}

/** What a tuning left behind, whole or in part: a later one goes on from there. */
export interface TuningFile {
  readonly schemaVersion: 1;
  readonly adapter: string;
  readonly runtime: string;
  readonly without: readonly Without[];
  readonly date: string;
  readonly model: string;
  readonly modelHash: string;
  readonly semantics: string;
  readonly complete: boolean;
  readonly layers: readonly TunedLayer[];
  readonly fusions: readonly TunedFusion[];
  /** Milliseconds of an inference by the adapter's own profile and by the tuned one, in turns. */
  readonly latencyMs?: { readonly untuned: number; readonly tuned: number };
  readonly profile: Profile;
}

const WITHOUT: readonly Without[] = ['packed-dot', 'subgroups'];
const FUSION_BUDGET_MS = 20_000;

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
    .option('--fresh', 'begin again, whatever --out holds')
    .action(async (options: TuneOptions) => done(await runTune(options)));
}

function featureList(text: string): readonly Without[] {
  const features = text.split(',') as Without[];
  const unknown = features.find((feature) => !WITHOUT.includes(feature));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown}: supported: ${WITHOUT.join(', ')}.`);
  return features;
}

async function runTune(options: TuneOptions): Promise<ExitCode> {
  const model = await loadModel({
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.semantics === undefined ? {} : { semantics: options.semantics }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  const browser = await openBench(options, {});
  try {
    const adapter = describeAdapter(browser.adapter);
    note(`adapter: ${adapter}; WebGPU of ${browser.runtime}`);
    const tuned = await tune(model, browser, adapter, options);
    const wrong = wrongVariants(tuned);
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

async function tune(
  model: LoadedModel,
  browser: BenchBrowser,
  adapter: string,
  options: TuneOptions,
): Promise<TuningFile> {
  const without = options.without ?? [];
  progress('opening the model');
  const { tasks, profile: base } = await browser.call(
    'openTuning',
    browser.addBlob(model.bytes),
    model.engine,
    without,
  );
  const facts = {
    schemaVersion: 1 as const,
    adapter,
    runtime: browser.runtime,
    without,
    model: model.name,
    modelHash: model.hash,
    semantics: model.plan.semantics.name,
  };
  const before = options.fresh ? undefined : await earlier(options.out, facts);
  const layers: TunedLayer[] = [...(before?.layers ?? [])];
  const name = `tuned for ${adapter}`;
  const save = async (
    more: Pick<TuningFile, 'complete' | 'fusions' | 'latencyMs' | 'profile'>,
  ): Promise<TuningFile> => {
    const file: TuningFile = { ...facts, date: new Date().toISOString(), layers, ...more };
    // whole or not at all, whenever it is stopped
    await writeFile(`${options.out}.part`, `${JSON.stringify(file, undefined, 2)}\n`);
    await rename(`${options.out}.part`, options.out);
    return file;
  };
  const deadline = performance.now() + 1000 * options.timeLimit;
  for (const [index, { geometry, choices }] of tasks.entries()) {
    if (layers.some((layer) => layer.geometry === geometry)) continue;
    const left = deadline - performance.now();
    if (left <= 0) {
      note(`the time limit is over: ${layers.length} of ${tasks.length} geometries are tuned`);
      return save({ complete: false, fusions: [], profile: tunedProfile(base, name, layers) });
    }
    progress(`${index + 1} of ${tasks.length}: ${geometry}, ${choices.length} variants`);
    layers.push(await browser.call('tuneLayer', index, left / (tasks.length - index)));
    await save({ complete: false, fusions: [], profile: tunedProfile(base, name, layers) });
  }
  progress('timing whole inferences');
  const fusions = await browser.call('tuneFusion', tunedProfile(base, name, layers), FUSION_BUDGET_MS);
  const tunedTo = tunedProfile(base, name, layers, bestFusion(fusions));
  const latencyMs = await browser.call('compareProfiles', tunedTo, FUSION_BUDGET_MS);
  const profile = latencyMs.tuned <= latencyMs.untuned ? tunedTo : base;
  if (profile === base) note('the tuned profile was not faster than the adapter’s own, which is kept');
  return save({ complete: true, fusions, latencyMs, profile });
}

/** What an earlier tuning of the same model on the same adapter left. @throws InvalidInputError for any other file */
async function earlier(
  path: string,
  facts: Pick<TuningFile, 'adapter' | 'runtime' | 'without' | 'modelHash' | 'semantics'>,
): Promise<TuningFile | undefined> {
  if (!existsSync(path)) return undefined;
  let file: Partial<TuningFile>;
  try {
    file = JSON.parse(new TextDecoder().decode(await readInput(path))) as Partial<TuningFile>;
  } catch {
    throw new InvalidInputError(`${path} is there and is no tuning: --out another file, or --fresh`);
  }
  const keys = ['adapter', 'runtime', 'modelHash', 'semantics'] as const;
  const other = keys.find((key) => file[key] !== facts[key]);
  if (other !== undefined || !Array.isArray(file.layers) || String(file.without) !== String(facts.without))
    throw new InvalidInputError(
      `${path} is there and is of another ${other ?? 'kind'}: --out another file, or --fresh to write over it`,
    );
  note(`${path}: going on from ${file.layers.length} geometries`);
  return file as TuningFile;
}

function wrongVariants({ layers, fusions }: TuningFile): string[] {
  const named = ({ variant, tile }: TunedVariant): string => (tile === undefined ? variant : `${variant} ${tile}`);
  return [
    ...layers.flatMap(({ node, variants }) =>
      variants
        .filter(({ mismatches }) => mismatches > 0)
        .map((variant) => `${named(variant)} gives ${variant.mismatches} wrong values in ${node}`),
    ),
    ...fusions
      .filter(({ mismatches }) => mismatches > 0)
      .map(({ fusion, mismatches }) => `fusion ${fusion} gives ${mismatches} wrong outputs`),
  ];
}

function describe({ layers, fusions, latencyMs }: TuningFile): string {
  const named = ({ variant, tile }: { variant: string; tile?: number }): string =>
    tile === undefined ? variant : `${variant} ${tile}`;
  const ms = (layer: TunedLayer, { variant, tile }: { variant: string; tile?: number }): string =>
    layer.variants.find((one) => one.variant === variant && one.tile === tile)?.ms?.toFixed(3) ?? '';
  const rows = layers.map((layer) => [
    layer.geometry,
    String(layer.layers),
    named(layer.untuned),
    ms(layer, layer.untuned),
    named(layer.best),
    ms(layer, layer.best),
    String(layer.variants.length),
  ]);
  const head = ['geometry', 'layers', 'untuned', 'ms', 'best', 'ms ', 'tried'];
  return [
    table(head, rows, ['layers', 'ms', 'ms ', 'tried']),
    '',
    ...fusions.map(({ fusion, dispatches, ms }) => `fusion ${fusion}: ${dispatches} dispatches, ${ms.toFixed(1)} ms`),
    ...(latencyMs
      ? [`an inference: ${latencyMs.untuned.toFixed(1)} ms untuned, ${latencyMs.tuned.toFixed(1)} ms tuned`]
      : []),
  ].join('\n');
}
