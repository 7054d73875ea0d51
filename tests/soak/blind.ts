import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Command } from 'commander';
import { UnsupportedModelError } from '../../src/errors.ts';
import { Random } from '../../models/random.ts';
import { blind, createScene, type BlindResult, type Outcome, type Scene } from '../helpers/blind.ts';
import { EXIT, type ExitCode } from '../../harness/cli/exit_codes.ts';
import { decodeFile } from '../../harness/images/decode_file.ts';
import { readFeeds } from '../../harness/cli/feeds.ts';
import { pictureSource } from '../../harness/cli/inputs.ts';
import { loadModel } from '../../harness/cli/model.ts';
import { addModelOptions, integer, type InputFileOptions, type ModelOptions } from '../../harness/cli/options.ts';
import { note, printResult, progress, table } from '../../harness/cli/output.ts';
import { stopOnInterrupt } from '../../harness/cli/interrupt.ts';

interface BlindOptions extends ModelOptions, InputFileOptions {
  readonly models?: string[];
  readonly engines?: string[];
  readonly images: string[];
  readonly plants: number;
  readonly seed: number;
}

const OUTCOMES: readonly Outcome[] = ['named', 'variant', 'equivalent', 'uncertain', 'wrong'];

export function addBlind(program: Command): void {
  const command = program
    .command('blind')
    .description('test explain: plant deviations in layers at random, and see whether it names them')
    .requiredOption('--images <files...>', 'pictures')
    .option('--models <files...>', 'several models; MODEL=FILE.npz:NAME where an array is the input, not the pictures')
    .option('--engines <names...>', 'several engines: each model under those of them that can run it');
  addModelOptions(command)
    .option('--preprocess <recipe>', 'how pictures are prepared')
    .option('--plants <n>', 'how many layers', integer(1), 200)
    .option('--seed <n>', 'what is drawn', integer(0), 1)
    .action(async (options: BlindOptions) => void (process.exitCode = await runBlind(options)));
}

async function runBlind(options: BlindOptions): Promise<ExitCode> {
  const scenes = await makeScenes(options);
  const random = new Random(options.seed);
  const results: BlindResult[] = [];
  const stopping = stopOnInterrupt();
  for (let i = 0; i < options.plants && !stopping.asked; i++) {
    progress(`planting ${i + 1} of ${options.plants}`);
    // every scene as often
    const result = blind(scenes[i % scenes.length]!(), random);
    results.push(result);
    if (!['named', 'variant'].includes(result.outcome)) note(describeResult(result));
    await setImmediate();
  }
  stopping.done();
  printResult(options.json, { seed: options.seed, results }, summarize(results));
  return results.some(({ outcome }) => outcome === 'wrong') ? EXIT.differs : EXIT.done;
}

/** Every model on every picture, computed when it is first needed. */
async function makeScenes(options: BlindOptions): Promise<(() => Scene)[]> {
  const paths = options.models ?? [options.model];
  const scenes: (() => Scene)[] = [];
  for (const [given, engine] of paths.flatMap((path) => (options.engines ?? [options.engine]).map((e) => [path, e]))) {
    const [path, array] = given?.split('=') ?? [];
    const named = { ...(path && { model: path }), ...(array && { input: array }), ...(engine && { engine }) };
    const model = await loadModel({ ...options, ...named }).catch((error: unknown) => {
      if (!(error instanceof UnsupportedModelError)) throw error;
      note(`left out: ${path} under ${engine}: ${error.message}`);
    });
    if (!model) continue;
    for (const image of array === undefined ? options.images : [array]) {
      const feeds = array
        ? await readFeeds(model.graph, array)
        : await (await pictureSource(model, image, options.preprocess)).feeds({ decode: decodeFile });
      let scene: Scene | undefined;
      scenes.push(() => {
        progress(`running ${model.name} on ${image}`);
        return (scene ??= createScene(model.name, image, model.graph, model.plan.engine, feeds));
      });
    }
  }
  return scenes;
}

const list = (causes: BlindResult['planted']): string =>
  causes.map(({ kind, detail }) => `${kind} (${detail})`).join(' + ') || 'nothing';

function describeResult({ model, engine, setting, input, layer, planted, found, outcome }: BlindResult): string {
  return `${outcome}: ${basename(model)}, ${engine}, ${basename(input)}, ${setting}, ${layer}: planted ${list(planted)}; found ${list(found)}`;
}

function summarize(results: readonly BlindResult[]): string {
  const row = (name: string, some: readonly BlindResult[]): string[] => [
    name,
    String(some.length),
    ...OUTCOMES.map((outcome) => String(some.filter((result) => result.outcome === outcome).length)),
    String(some.filter(({ certain }) => certain).length),
  ];
  const kinds = [...new Set(results.flatMap(({ planted }) => planted.map(({ kind }) => kind)))].sort();
  const right = results.filter(({ outcome }) => outcome !== 'uncertain' && outcome !== 'wrong').length;
  const seconds = results.map((result) => result.seconds).sort((a, b) => a - b);
  const head = ['', 'plants', ...OUTCOMES, 'certain'];
  return [
    table(
      head,
      [
        ...kinds.map((kind) =>
          row(
            kind,
            results.filter(({ planted }) => planted.some((cause) => cause.kind === kind)),
          ),
        ),
        ...(['alone', 'from golden inputs', 'from own inputs'] as const).map((setting) =>
          row(
            setting,
            results.filter((result) => result.setting === setting),
          ),
        ),
        ...[...new Set(results.map(({ engine }) => engine))].map((engine) =>
          row(
            engine,
            results.filter((result) => result.engine === engine),
          ),
        ),
        ...[1, 2, 3].map((size) =>
          row(
            `${size} at once`,
            results.filter(({ planted }) => planted.length === size),
          ),
        ),
        row('all', results),
      ],
      head.slice(1),
    ),
    '',
    `${results.reduce((sum, { smaller }) => sum + smaller, 0)} sets were drawn again, as a smaller one gives all of their values; ` +
      `${right} of ${results.length} explained by the planted set or one that gives the same values; ` +
      `median ${seconds[seconds.length >> 1]!.toFixed(2)} s, at most ${seconds.at(-1)!.toFixed(1)} s`,
  ].join('\n');
}
