import type { Command } from 'commander';
import { InvalidInputError } from '../../src/errors.ts';
import { findEngine, ENGINES } from '../../src/engines/index.ts';
import { identify, type Candidate, type Identification } from '../compare/identify.ts';
import { formatCount } from '../report/format.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { originsOf, PAGE } from './mine.ts';
import { loadModel } from './model.ts';
import { addMapOption, addModelOptions, type MapOptions, type ModelOptions } from './options.ts';
import { note, printResult, progress, table } from './output.ts';
import { describeRecorded, readRecorded } from './trace_file.ts';

interface IdentifyOptions extends ModelOptions, MapOptions {
  readonly against: string;
}

export function addIdentify(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('identify')
    .description('name the engine that made a recorded trace; needs no browser');
  addMapOption(addModelOptions(command))
    .requiredOption('--against <trace>', 'FILE.npz: a recorded trace of the model')
    .action(async (options: IdentifyOptions) => done(await runIdentify(options)));
}

async function runIdentify(options: IdentifyOptions): Promise<ExitCode> {
  const model = await loadModel(options);
  const recorded = await readRecorded(model, options.against, options);
  for (const { name } of model.plan.graph.inputs)
    if (!recorded.tensors.has(name))
      throw new InvalidInputError(`${options.against} does not have the model's input '${name}'`);
  for (const line of describeRecorded(recorded)) note(line);
  const shapes = Object.fromEntries(model.plan.graph.inputs.map(({ name, shape }) => [name, shape]));
  const engines = ENGINES.map(({ name, threaded }) => {
    const engineOptions = threaded ? { threads: options.threads ?? 1 } : {};
    return { engine: findEngine(name, engineOptions), options: engineOptions };
  });
  const result = await identify(model.graph, shapes, recorded.tensors, engines, progress);
  printResult(
    options.json,
    { model: model.name, trace: options.against, ...result },
    describe(options.against, result),
  );
  return result.identified.length > 0 ? EXIT.done : EXIT.differs;
}

function describe(trace: string, { candidates, identified, nearest }: Identification): string {
  const row = (c: Candidate): string[] => [
    c.engine,
    Object.entries(c.options)
      .map(([key, value]) => `${key} ${value}`)
      .join(', '),
    formatCount(c.elements),
    formatCount(c.mismatches),
    String(c.layersMissed),
    c.firstMismatch
      ? `${c.firstMismatch.tensor} [${c.firstMismatch.index.join(', ')}]: ${c.firstMismatch.expected}, not ${c.firstMismatch.actual}`
      : '',
  ];
  const able = candidates.filter(({ unsupported }) => unsupported === undefined);
  const refused = new Map<string, string[]>();
  for (const { engine, unsupported } of candidates) {
    const reason = unsupported?.replaceAll(`engine '${engine}'`, 'the engine');
    if (reason !== undefined) refused.set(reason, [...(refused.get(reason) ?? []), engine]);
  }
  const head = ['engine', 'options', 'elements', 'mismatches', 'layers missed', 'first mismatch'];
  const best = candidates.find(({ engine }) => engine === nearest);
  const verdict =
    identified.length > 0
      ? `${trace} was made by ${identified.join(' or ')}: every element is reproduced.`
      : best
        ? `No engine reproduces ${trace}. The nearest is ${best.engine}, which misses ${formatCount(best.mismatches)} ` +
          `elements, the first in ${best.firstMismatch!.tensor}.`
        : `No engine can run this model.`;
  const rows = table(head, able.map(row), ['elements', 'mismatches', 'layers missed']);
  const unable = [...refused].map(([reason, engines]) => `${engines.join(', ')} cannot run it: ${reason}`);
  return [...unable, rows, '', verdict, ...identified.flatMap(originsOf), `Which engine is whose: ${PAGE}`].join('\n');
}
